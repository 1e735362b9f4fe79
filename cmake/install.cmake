# The installed library, its headers, and the files by which CMake and pkg-config find it. No path in them is absolute.

if(FASTNN_BUILD_PYTHON)
  set(fastnn_include_dir fastnn/include)
  set(fastnn_lib_dir fastnn/lib)
else()
  include(GNUInstallDirs)
  set(fastnn_include_dir ${CMAKE_INSTALL_INCLUDEDIR})
  set(fastnn_lib_dir ${CMAKE_INSTALL_LIBDIR})
endif()
set(fastnn_cmake_dir ${fastnn_lib_dir}/cmake/fastnn)

install(TARGETS fastnn EXPORT fastnn
  LIBRARY DESTINATION ${fastnn_lib_dir}
  ARCHIVE DESTINATION ${fastnn_lib_dir}
  INCLUDES DESTINATION ${fastnn_include_dir})
install(DIRECTORY src/cpp/include/fastnn DESTINATION ${fastnn_include_dir})

install(EXPORT fastnn NAMESPACE fastnn:: FILE fastnn-targets.cmake DESTINATION ${fastnn_cmake_dir})
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/fastnn-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/fastnn-config.cmake ${PROJECT_BINARY_DIR}/fastnn-config-version.cmake
  DESTINATION ${fastnn_cmake_dir})

if(NOT FASTNN_BUILD_PYTHON)
  if(NOT FASTNN_SHARED)
    set(fastnn_pc_cflags " -DFASTNN_STATIC")
    set(fastnn_pc_libs " -pthread -lstdc++")
    if(APPLE)
      set(fastnn_pc_libs " -lc++")
    endif()
  endif()
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR
    BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig OUTPUT_VARIABLE fastnn_pc_include_dir)
  configure_file(cmake/fastnn.pc.in fastnn.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/fastnn.pc DESTINATION ${fastnn_lib_dir}/pkgconfig)
endif()
