# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors

# Code from .proto files. Generated code is compiled with -w and hidden symbols, and seen as system
# headers; everything that imports weir/options.proto needs the target weir_proto_options.
set(WEIR_PROTO_DIR ${CMAKE_CURRENT_LIST_DIR})
include(${CMAKE_CURRENT_LIST_DIR}/schema.cmake)

# weir_proto(TARGET FILE...)
# A static, position-independent library of the code of FILEs, named relative to proto/ (or absolute:
# then the name in #include is the file's alone). Who links it can include "name.pb-c.h".
function(weir_proto target)
	set(output ${CMAKE_BINARY_DIR}/proto/${target})
	set(sources)
	foreach(file ${ARGN})
		set(root ${WEIR_PROTO_DIR})
		if(IS_ABSOLUTE ${file})
			cmake_path(GET file PARENT_PATH root)
			cmake_path(GET file FILENAME file)
		endif()
		weir_generate_proto(sources ${root} ${output} ${file})
	endforeach()
	weir_proto_library(${target} ${output} ${sources})
	target_link_libraries(${target} PUBLIC weir_proto_options)
endfunction()

function(weir_proto_library target output)
	add_library(${target} STATIC ${ARGN})
	set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
	target_include_directories(${target} SYSTEM PUBLIC ${output})
	target_link_libraries(${target} PUBLIC PkgConfig::PROTOBUF_C PRIVATE weir_options)
endfunction()
