# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors

# Two hundred test programs are linked, each with most of the core: lld takes less than half the time of
# the linker that makes what is installed.
find_program(WEIR_LLD ld.lld)
add_library(weir_test_linker INTERFACE)
if(WEIR_LLD)
	target_link_options(weir_test_linker INTERFACE -fuse-ld=lld)
endif()

# What takes more than ten seconds begins first, also where ctest has not seen it run yet: at the end it would
# run alone.
set(weir_long_tests acl_meter acl_meter_exact acl_model capture_hang classify_random control_document_bounds
	control_durable_life schema_damage store_fault switch_apply_memory switch_apply_model switch_rogue
	switch_watch)

# weir_add_test(NAME SOURCES file... [LIBS target...] [DEPENDS target...] [ENV VAR=value...] [OUTSIDE])
# A cmocka test program that sees the core's hidden symbols; ctest knows it as NAME. OUTSIDE: it sees what
# everybody's tests do, weir/testing.h and the library. It may take less of what it repeats, such as the
# rounds of a model, when WEIR_SANITIZED is 1, where all is several times slower.
function(weir_add_test name)
	cmake_parse_arguments(arg "OUTSIDE" "" "SOURCES;LIBS;DEPENDS;ENV" ${ARGN})
	add_executable(test_${name} ${arg_SOURCES})
	set(core weir_core)
	if(arg_OUTSIDE)
		set(core weir-testing)
	endif()
	target_link_libraries(test_${name} PRIVATE weir_options weir_test_linker ${core} PkgConfig::CMOCKA ${arg_LIBS})
	if(WEIR_SANITIZE)
		target_compile_definitions(test_${name} PRIVATE WEIR_SANITIZED=1)
	else()
		target_compile_definitions(test_${name} PRIVATE WEIR_SANITIZED=0)
	endif()
	if(arg_DEPENDS)
		add_dependencies(test_${name} ${arg_DEPENDS})
	endif()
	add_test(NAME ${name} COMMAND test_${name})
	set_tests_properties(${name} PROPERTIES TIMEOUT 300 ENVIRONMENT
		"TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp;${arg_ENV}")
	if(name IN_LIST weir_long_tests)
		set_tests_properties(${name} PROPERTIES COST 100)
	endif()
endfunction()
