# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors

# cmake -DINPUT=file -DOUTPUT=file.h -DNAME=identifier -P embed.cmake
# Writes the bytes of INPUT as `static const unsigned char NAME[]`.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)"
	"\\1\n\t" bytes "${bytes}")
file(WRITE ${OUTPUT} "static const unsigned char ${NAME}[] = {\n\t${bytes}\n};\n")
