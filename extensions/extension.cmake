# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors

# weir_add_extension(NAME SOURCES file... [PROTO file] [OUTPUT dir])
# Builds NAME.so against the installed headers alone: an extension has no undefined symbol of the core's.
# PROTO is the .proto with the extension's messages; its generated header is FILE.pb-c.h and the
# serialized FileDescriptorSet is available as the C array in FILE.schema.h, FILE being its name
# without ".proto". OUTPUT: where NAME.so goes; else WEIR_EXTENSION_OUTPUT, else the build directory.
#
# In the tree, and with find_package(Weir) everywhere.
function(weir_add_extension name)
	cmake_parse_arguments(arg "" "PROTO;OUTPUT" "SOURCES" ${ARGN})
	add_library(${name} MODULE ${arg_SOURCES})
	if(NOT arg_OUTPUT AND WEIR_EXTENSION_OUTPUT)
		set(arg_OUTPUT ${WEIR_EXTENSION_OUTPUT})
	elseif(NOT arg_OUTPUT)
		set(arg_OUTPUT ${CMAKE_CURRENT_BINARY_DIR})
	endif()
	set_target_properties(${name} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${arg_OUTPUT}
		C_VISIBILITY_PRESET hidden)
	target_link_libraries(${name} PRIVATE Weir::headers)
	target_link_options(${name} PRIVATE -Wl,-z,now -Wl,--exclude-libs,ALL)
	if(arg_PROTO)
		weir_extension_schema(${name} ${arg_PROTO})
	endif()
endfunction()
