# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors

# Debian packages, one per component of what is installed:
#
#	weir		the daemon, weirctl, the shipped extensions, the service and the manual
#	libweir0	the library
#	libweir-dev	headers, CMake package, protocol: for extensions and for programs that embed the switch
#	weir-dpdk	the module of the NIC kind dpdk
#
#	cmake --preset package && cmake --build --preset package && cpack --preset package
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME weir)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "extensible virtual switch for Linux")
set(CPACK_PACKAGE_VENDOR "The Weir Authors")
set(CPACK_PACKAGE_CONTACT "The Weir Authors <weir@weir.invalid>")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
	OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL weir libweir0 libweir-dev)
if(DPDK_FOUND)
	list(APPEND CPACK_COMPONENTS_ALL weir-dpdk)
endif()

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
# What a package links comes by dpkg-shlibdeps; this is what it runs.
set(same "(= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")

set(debian ${PROJECT_SOURCE_DIR}/core/debian)

# package(NAME SECTION DEPENDS DESCRIPTION): DEPENDS as in Debian's control file.
function(package name section depends description)
	string(TOUPPER ${name} upper)
	set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
	set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section} PARENT_SCOPE)
	set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "${depends}" PARENT_SCOPE)
	set(CPACK_COMPONENT_${upper}_DESCRIPTION "${description}" PARENT_SCOPE)
	install(FILES ${debian}/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name}
		COMPONENT ${name})
	install(FILES ${debian}/changelog RENAME changelog.Debian
		DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name} COMPONENT ${name})
endfunction()

# Lines of at most 80 columns: they are shown as they are.
package(weir net "passwd" "\
A switch that moves Ethernet frames between interfaces, virtual machines and
programs. What filters, marks or meters them is an extension, loaded while it
runs. This is the daemon with its extensions and weirctl, its command line.")
package(libweir0 libs "" "\
The library: the switch inside your own program.")
package(libweir-dev libdevel "libweir0 ${same}, libprotobuf-c-dev, libprotobuf-dev, pkg-config, \
protobuf-c-compiler, protobuf-compiler" "\
For extensions, and for programs that embed the switch: headers, the CMake
package with weir_add_extension(), the bench for tests of extensions, and the
control protocol.")
package(weir-dpdk net "weir ${same}" "\
The module of the NIC kind dpdk: network cards that DPDK drives.")

set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_LIBWEIR0_PACKAGE_CONTROL_EXTRA ${debian}/triggers)
set(CPACK_DEBIAN_LIBWEIR-DEV_PACKAGE_RECOMMENDS "cmake, libcmocka-dev, weir ${same}")
set(CPACK_DEBIAN_WEIR-DPDK_PACKAGE_RECOMMENDS "librte-meta-net")
set(CPACK_DEBIAN_WEIR_PACKAGE_SUGGESTS "weir-dpdk, libweir-dev")
set(CPACK_DEBIAN_WEIR_PACKAGE_CONTROL_EXTRA ${debian}/postinst ${debian}/prerm ${debian}/postrm)
set(CPACK_PRE_BUILD_SCRIPTS ${debian}/prepare.cmake)
include(CPack)
