# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors

# cmake -DINPUT=folder -DOUTPUT=file.h -P template.cmake
# Writes the files of INPUT/CLASS/ as rows { "CLASS", "FILE", bytes, size }, for an array of them.
file(GLOB files RELATIVE ${INPUT} ${INPUT}/*/*.in)
set(rows "")
foreach(path ${files})
	file(READ ${INPUT}/${path} bytes HEX)
	string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${bytes}")
	string(REGEX REPLACE "(................................................................................)"
		"\\1\"\n\t\"" bytes "${bytes}")
	file(SIZE ${INPUT}/${path} size)
	cmake_path(GET path PARENT_PATH class)
	cmake_path(GET path STEM LAST_ONLY file)
	string(APPEND rows "{ \"${class}\", \"${file}\",\n\t\"${bytes}\",\n\t${size} },\n")
endforeach()
file(WRITE ${OUTPUT} "${rows}")
