# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors

# cmake -DBUILD=tree -DPREFIX=directory -P install_sdk.cmake
# Puts into PREFIX what the authors of extensions install, and nothing else.
foreach(component libweir0 libweir-dev)
	execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --component ${component} --prefix ${PREFIX}
		OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endforeach()
