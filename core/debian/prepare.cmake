# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors

# Called by cpack before it packs. In Debian's packages manual pages and changelogs are compressed, and
# static libraries have no debug information, with which go the paths of the build.
file(GLOB_RECURSE files ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*)
foreach(file ${files})
	if(file MATCHES "/share/man/.*[0-9]$|/changelog\\.Debian$")
		execute_process(COMMAND gzip -9nf ${file} COMMAND_ERROR_IS_FATAL ANY)
	elseif(file MATCHES "\\.a$")
		execute_process(COMMAND strip --strip-debug --enable-deterministic-archives ${file}
			COMMAND_ERROR_IS_FATAL ANY)
	endif()
endforeach()
