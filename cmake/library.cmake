# The library libfastnn: the core, the C interface and the kernels.
#
# fastnn_core carries the objects themselves, for what needs the C++ inside (tests, tools); fastnn is the library made
# of them, which shows the C interface only.

# The C interface. For size: it checks, and leaves the work to the core.
set(fastnn_capi_sources
  src/cpp/capi/activation.cpp
  src/cpp/capi/cross_entropy.cpp
  src/cpp/capi/dense.cpp
  src/cpp/capi/library.cpp
  src/cpp/capi/loss.cpp
  src/cpp/capi/network.cpp
  src/cpp/capi/network_training.cpp
  src/cpp/capi/optimizer.cpp
  src/cpp/capi/random.cpp
  src/cpp/capi/softmax.cpp)
# Networks in files. They run once.
set(fastnn_model_sources
  src/cpp/model/activation_names.cpp
  src/cpp/model/architecture.cpp
  src/cpp/model/config.cpp
  src/cpp/model/crc32.cpp
  src/cpp/model/decimal.cpp
  src/cpp/model/failure.cpp
  src/cpp/model/files.cpp
  src/cpp/model/json.cpp
  src/cpp/model/json_reader.cpp
  src/cpp/model/json_writer.cpp
  src/cpp/model/layer_documents.cpp
  src/cpp/model/model.cpp
  src/cpp/model/model_file.cpp
  src/cpp/model/safetensors.cpp
  src/cpp/model/training.cpp)
# Hidden in a wheel as well, where the core is not: see below.
set_source_files_properties(${fastnn_capi_sources} ${fastnn_model_sources} PROPERTIES
  COMPILE_OPTIONS "-Os;-fvisibility=hidden")
set_source_files_properties(src/cpp/capi/checks.cpp PROPERTIES COMPILE_OPTIONS -fvisibility=hidden)

find_package(Threads REQUIRED)
add_library(fastnn_core OBJECT
  ${fastnn_capi_sources}
  ${fastnn_model_sources}
  src/cpp/capi/checks.cpp
  src/cpp/core/activation.cpp
  src/cpp/core/available_cores.cpp
  src/cpp/core/cache_size.cpp
  src/cpp/core/cpu.cpp
  src/cpp/core/cross_entropy.cpp
  src/cpp/core/dense.cpp
  src/cpp/core/dense_weights.cpp
  src/cpp/core/dispatch.cpp
  src/cpp/core/loss.cpp
  src/cpp/core/network.cpp
  src/cpp/core/network_gradient.cpp
  src/cpp/core/network_optimizer.cpp
  src/cpp/core/network_rows.cpp
  src/cpp/core/network_trainer.cpp
  src/cpp/core/network_update.cpp
  src/cpp/core/optimizer.cpp
  src/cpp/core/probe.cpp
  src/cpp/core/random.cpp
  src/cpp/core/scratch.cpp
  src/cpp/core/softmax.cpp
  src/cpp/core/threads.cpp)
# As in the kernels: the rounding of every operation is written out. What computes is in the kernels, but for two files.
target_compile_options(fastnn_core PRIVATE -O2 ${fastnn_exact_flags})
set_source_files_properties(src/cpp/core/network_optimizer.cpp src/cpp/core/network_rows.cpp
  PROPERTIES COMPILE_OPTIONS -O3)
# 14 KB of the wheel; a training step takes no more instructions than with -O2.
set_source_files_properties(
  src/cpp/core/available_cores.cpp
  src/cpp/core/cache_size.cpp
  src/cpp/core/cpu.cpp
  src/cpp/core/dispatch.cpp
  src/cpp/core/loss.cpp
  src/cpp/core/network.cpp
  src/cpp/core/network_gradient.cpp
  src/cpp/core/network_trainer.cpp
  src/cpp/core/network_update.cpp
  src/cpp/core/optimizer.cpp
  src/cpp/core/probe.cpp
  src/cpp/core/random.cpp
  PROPERTIES COMPILE_OPTIONS -Os)
target_include_directories(fastnn_core PUBLIC src/cpp src/cpp/include)
target_link_libraries(fastnn_core PRIVATE fastnn_options PUBLIC Threads::Threads)
fastnn_compile_per_target(fastnn fastnn_core "${fastnn_kernel_sources}")

if(FASTNN_SHARED)
  add_library(fastnn SHARED)
  target_compile_definitions(fastnn_core PRIVATE FASTNN_BUILDING)
else()
  add_library(fastnn STATIC)
  target_compile_definitions(fastnn_core PRIVATE FASTNN_STATIC)
  target_compile_definitions(fastnn INTERFACE FASTNN_STATIC)
  if(NOT "CXX" IN_LIST fastnn_parent_languages)
    # A project in C alone does not link with the C++ library by itself.
    target_link_libraries(fastnn INTERFACE "$<BUILD_INTERFACE:${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES}>")
  endif()
endif()
add_library(fastnn::fastnn ALIAS fastnn)
target_include_directories(fastnn INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src/cpp/include>)
target_link_libraries(fastnn PRIVATE Threads::Threads $<BUILD_INTERFACE:fastnn_core> $<BUILD_INTERFACE:fastnn_options>)
set_target_properties(fastnn PROPERTIES LINKER_LANGUAGE CXX)

# What the shared library shows: the C interface; in a wheel also what the extension calls of the C++ inside.
if(FASTNN_SHARED)
  set(fastnn_exports ${PROJECT_SOURCE_DIR}/cmake/exports$<$<BOOL:${FASTNN_BUILD_PYTHON}>:_python>)
  if(APPLE)
    set_target_properties(fastnn PROPERTIES LINK_DEPENDS ${fastnn_exports}.txt)
    target_link_options(fastnn PRIVATE LINKER:-exported_symbols_list,${fastnn_exports}.txt LINKER:-dead_strip)
  elseif(NOT WIN32)
    set_target_properties(fastnn PROPERTIES LINK_DEPENDS ${fastnn_exports}.map)
    # A call inside the library goes straight to its function, whatever a program defines under the same name.
    target_link_options(fastnn PRIVATE LINKER:--version-script=${fastnn_exports}.map LINKER:-Bsymbolic
      LINKER:--gc-sections)
  endif()
  if(FASTNN_BUILD_PYTHON)
    set_target_properties(fastnn_core PROPERTIES CXX_VISIBILITY_PRESET default)
    if(NOT APPLE)
      target_compile_options(fastnn_core PRIVATE -fno-semantic-interposition)
    endif()
  else()
    # A wheel cannot hold the links that go with a version in the file's name.
    file(STRINGS src/cpp/include/fastnn/fastnn.h abi_line REGEX "define FASTNN_ABI_VERSION ")
    string(REGEX MATCH "[0-9]+" fastnn_abi_version "${abi_line}")
    set_target_properties(fastnn PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${fastnn_abi_version})
  endif()
endif()
