# The extension fastnn._fastnn. It links to the shared library, so that the core is in a wheel once.

find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
find_package(pybind11 3 CONFIG REQUIRED)
# The linker keeps the first copy of what pybind11 has in common: that of the files compiled for size.
set(fastnn_calls
  src/cpp/bindings/activation.cpp
  src/cpp/bindings/arrays.cpp
  src/cpp/bindings/cross_entropy.cpp
  src/cpp/bindings/dense.cpp
  src/cpp/bindings/softmax.cpp)
set(fastnn_setup
  src/cpp/bindings/loss.cpp
  src/cpp/bindings/module.cpp
  src/cpp/bindings/network.cpp
  src/cpp/bindings/network_training.cpp
  src/cpp/bindings/optimizer.cpp
  src/cpp/bindings/probe.cpp
  src/cpp/bindings/random.cpp
  src/cpp/bindings/result_memory.cpp)
set_source_files_properties(${fastnn_setup} PROPERTIES COMPILE_OPTIONS -Os)
set_source_files_properties(${fastnn_calls} PROPERTIES COMPILE_OPTIONS -O2)
pybind11_add_module(_fastnn MODULE NO_EXTRAS ${fastnn_setup} ${fastnn_calls})
target_include_directories(_fastnn PRIVATE src/cpp)
# Link-time optimization drops what pybind11 leaves unused: 45 KB of the wheel.
target_link_libraries(_fastnn PRIVATE fastnn fastnn_options pybind11::lto)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set_target_properties(_fastnn PROPERTIES LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/extension.map)
  target_link_options(_fastnn PRIVATE LINKER:--version-script=${PROJECT_SOURCE_DIR}/cmake/extension.map)
endif()
if(FASTNN_SHARED)
  set_target_properties(_fastnn PROPERTIES INSTALL_RPATH $<IF:$<PLATFORM_ID:Darwin>,@loader_path,$ORIGIN>/lib)
endif()
install(TARGETS _fastnn DESTINATION fastnn)
