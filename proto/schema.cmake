# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors

# The code and the schema of an extension's messages: in the tree and, installed beside embed.cmake, for
# everybody's extensions. WEIR_PROTO_DIR says where weir/options.proto is, and the target Weir::messages
# what the generated code needs.
find_program(PROTOC_C protoc-c REQUIRED)
find_program(PROTOC protoc REQUIRED)
find_path(PROTOBUF_INCLUDE google/protobuf/descriptor.proto REQUIRED)

# Appends to the caller's LIST the C file made from FILE, which is named relative to ROOT; the output
# keeps the relative name below OUTPUT.
function(weir_generate_proto list root output file)
	string(REGEX REPLACE "\\.proto$" "" stem ${file})
	file(MAKE_DIRECTORY ${output})
	add_custom_command(
		OUTPUT ${output}/${stem}.pb-c.c ${output}/${stem}.pb-c.h
		COMMAND ${PROTOC_C} -I${root} -I${WEIR_PROTO_DIR} -I${PROTOBUF_INCLUDE}
			--c_out=${output} ${root}/${file}
		DEPENDS ${root}/${file} ${WEIR_PROTO_DIR}/weir/options.proto
		COMMENT "protoc-c ${file}" VERBATIM)
	set_source_files_properties(${output}/${stem}.pb-c.c PROPERTIES COMPILE_OPTIONS -w)
	set(${list} ${${list}} ${output}/${stem}.pb-c.c PARENT_SCOPE)
endfunction()

# weir_extension_schema(TARGET PROTO)
# PROTO: the extension's own .proto, relative to the current source directory. Compiles its code into
# TARGET and provides NAME.pb-c.h and NAME.schema.h; the latter holds
# `static const unsigned char weir_schema[]`, the serialized FileDescriptorSet with all imports and
# comments. The module then needs libprotobuf-c and nothing of the core's.
function(weir_extension_schema target proto)
	cmake_path(ABSOLUTE_PATH proto NORMALIZE OUTPUT_VARIABLE path)
	cmake_path(GET path PARENT_PATH root)
	cmake_path(GET path FILENAME file)
	cmake_path(GET path STEM LAST_ONLY stem)
	set(output ${CMAKE_CURRENT_BINARY_DIR}/${target}.proto)
	set(embed ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/embed.cmake)
	set(sources)
	weir_generate_proto(sources ${root} ${output} ${file})
	add_custom_command(
		OUTPUT ${output}/${stem}.schema ${output}/${stem}.schema.h
		COMMAND ${PROTOC} -I${root} -I${WEIR_PROTO_DIR} -I${PROTOBUF_INCLUDE} --include_imports
			--include_source_info --descriptor_set_out=${output}/${stem}.schema ${path}
		COMMAND ${CMAKE_COMMAND} -DINPUT=${output}/${stem}.schema
			-DOUTPUT=${output}/${stem}.schema.h -DNAME=weir_schema
			-P ${embed}
		DEPENDS ${path} ${WEIR_PROTO_DIR}/weir/options.proto ${embed}
		COMMENT "protoc ${file}" VERBATIM)
	target_sources(${target} PRIVATE ${sources} ${output}/${stem}.schema.h)
	target_include_directories(${target} SYSTEM PRIVATE ${output})
	target_link_libraries(${target} PRIVATE Weir::messages)
endfunction()
