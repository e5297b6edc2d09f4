# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
#
# cmake --install: the command, the header that embeds a model, and how pkg-config and CMake find both.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(FILES runtime/include/sinter.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
# The command finds LLVM's shared libraries where it was linked with them.
set_target_properties(sinter PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
install(TARGETS sinter RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

file(RELATIVE_PATH SINTER_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/sinter.pc.in ${PROJECT_BINARY_DIR}/sinter.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/sinter.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/Sinter)
configure_package_config_file(cmake/SinterConfig.cmake.in ${PROJECT_BINARY_DIR}/SinterConfig.cmake INSTALL_DESTINATION ${package}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/SinterConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/SinterConfig.cmake ${PROJECT_BINARY_DIR}/SinterConfigVersion.cmake DESTINATION ${package})
