# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors

# weir_add_extension(NAME SOURCES file... [PROTO file] [OUTPUT dir])
# Builds NAME.so against core/include alone: an extension has no undefined symbol of the core's.
# PROTO is the .proto with the extension's messages; its generated header is NAME.pb-c.h and the
# serialized FileDescriptorSet is available as the C array in NAME.schema.h.
# Those of this directory are shipped: they are installed, and the daemon finds them.
function(weir_add_extension name)
	cmake_parse_arguments(arg "" "PROTO;OUTPUT" "SOURCES" ${ARGN})
	add_library(${name} MODULE ${arg_SOURCES})
	if(NOT arg_OUTPUT)
		set(arg_OUTPUT ${CMAKE_BINARY_DIR}/extensions)
	endif()
	set_target_properties(${name} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${arg_OUTPUT})
	target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/core/include)
	target_link_libraries(${name} PRIVATE weir_options)
	target_link_options(${name} PRIVATE -Wl,-z,now -Wl,--exclude-libs,ALL)
	set(folders ${PROJECT_SOURCE_DIR}/extensions)
	cmake_path(IS_PREFIX folders ${CMAKE_CURRENT_SOURCE_DIR} shipped)
	if(shipped)
		install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/weir/extensions)
	endif()
	if(arg_PROTO)
		weir_extension_schema(${name} ${arg_PROTO})
	endif()
endfunction()
