# Finds the target fastnn::fastnn beside this file.
include(${CMAKE_CURRENT_LIST_DIR}/fastnn-targets.cmake)
get_target_property(fastnn_type fastnn::fastnn TYPE)
if(fastnn_type STREQUAL "STATIC_LIBRARY")
  include(CMakeFindDependencyMacro)
  find_dependency(Threads)
  # It is linked with the C++ library, which a project in C alone does not know how to do.
  get_property(fastnn_languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(NOT "CXX" IN_LIST fastnn_languages)
    enable_language(CXX)
  endif()
  unset(fastnn_languages)
endif()
unset(fastnn_type)
