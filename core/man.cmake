# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors

find_program(SCDOC scdoc)
if(NOT SCDOC)
	message(STATUS "scdoc is not there: manual pages are neither built nor installed")
endif()

# weir_add_man(COMPONENT NAME.SECTION...): builds the manual page from NAME.SECTION.scd beside the
# CMakeLists.txt and installs it with the component.
function(weir_add_man component)
	if(NOT SCDOC)
		return()
	endif()
	foreach(page ${ARGN})
		string(REGEX REPLACE ".*\\." "" section ${page})
		set(source ${CMAKE_CURRENT_SOURCE_DIR}/${page}.scd)
		set(output ${CMAKE_BINARY_DIR}/man/${page})
		add_custom_command(OUTPUT ${output}
			COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/man
			COMMAND ${SCDOC} < ${source} > ${output}
			DEPENDS ${source} COMMENT "scdoc ${page}" VERBATIM)
		string(REPLACE . _ target man_${page})
		add_custom_target(${target} ALL DEPENDS ${output})
		install(FILES ${output} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section}
			COMPONENT ${component})
	endforeach()
endfunction()
