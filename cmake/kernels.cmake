# The kernels, one object library per instruction set, from the same sources.

add_library(fastnn_options INTERFACE)
target_compile_options(fastnn_options INTERFACE -Wall -Wextra)
if(FASTNN_WERROR)
  target_compile_options(fastnn_options INTERFACE -Werror)
endif()
if(FASTNN_SANITIZE)
  target_compile_options(fastnn_options INTERFACE
    -fsanitize=${FASTNN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  target_link_options(fastnn_options INTERFACE -fsanitize=${FASTNN_SANITIZE})
endif()

set(fastnn_kernel_sources
  src/cpp/kernels/activation.cpp
  src/cpp/kernels/cross_entropy.cpp
  src/cpp/kernels/cross_entropy_general.cpp
  src/cpp/kernels/dense.cpp
  src/cpp/kernels/loss.cpp
  src/cpp/kernels/optimizer.cpp
  src/cpp/kernels/probe.cpp
  src/cpp/kernels/random.cpp
  src/cpp/kernels/softmax.cpp
  src/cpp/kernels/table.cpp)

# Last on the command line, so that -Ofast or -flto of a project that this one is part of reaches no result. The
# rounding of every operation is written out (explicit fma), so the compiler must neither contract nor reassociate.
set(fastnn_exact_flags -fno-fast-math -ffp-contract=off -fno-lto)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Its -fno-fast-math leaves what was asked for by name.
  list(APPEND fastnn_exact_flags -fno-unsafe-math-optimizations -fno-finite-math-only -fno-associative-math
    -fno-reciprocal-math -fsigned-zeros)
endif()
set(fastnn_kernel_flags -O3 ${fastnn_exact_flags} -fno-math-errno -fno-trapping-math -fno-exceptions
    -fno-rtti -fno-asynchronous-unwind-tables)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # 2 KB of a wheel, and no time (Zen 5, 82 cells within 0.5 % in the mean).
  list(APPEND fastnn_kernel_flags -fno-align-jumps)
endif()

# What -O3 adds here is size alone: a copy of every loop for each set of outputs that may be wanted.
set_source_files_properties(src/cpp/kernels/activation.cpp src/cpp/kernels/loss.cpp PROPERTIES COMPILE_OPTIONS
  $<IF:$<BOOL:$<TARGET_PROPERTY:FASTNN_SMALL>>,-Os,-O2>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set_source_files_properties(src/cpp/kernels/dense.cpp PROPERTIES COMPILE_OPTIONS -fno-unswitch-loops)
endif()

function(fastnn_add_target prefix consumer sources name)
  string(TOUPPER ${name} upper)
  set(objects ${prefix}_${name})
  if(name STREQUAL "avx512")
    # It takes AVX2's.
    list(FILTER sources EXCLUDE REGEX "/cross_entropy_general\\.cpp$")
  endif()
  add_library(${objects} OBJECT ${sources})
  target_include_directories(${objects} PRIVATE ${PROJECT_SOURCE_DIR}/src/cpp)
  target_link_libraries(${objects} PRIVATE fastnn_options)
  target_compile_definitions(${objects} PRIVATE FASTNN_TARGET=${name} FASTNN_TARGET_${upper})
  target_compile_options(${objects} PRIVATE ${fastnn_kernel_flags} ${ARGN})
  if("-Os" IN_LIST ARGN)
    set_target_properties(${objects} PROPERTIES FASTNN_SMALL ON)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13 AND name STREQUAL "avx512")
    # gcc 12's own AVX-512 headers read an undefined register on purpose and warn about it (gcc bug 105593).
    target_compile_options(${objects} PRIVATE -Wno-uninitialized -Wno-maybe-uninitialized)
  endif()
  target_sources(${consumer} INTERFACE $<TARGET_OBJECTS:${objects}>)
endfunction()

# Compiles the sources once per instruction set of the processor built for, for whatever links to the target `consumer`.
function(fastnn_compile_per_target prefix consumer sources)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    # For processors of before 2013 alone, so that size counts: 215 KB of code instead of 600.
    fastnn_add_target(${prefix} ${consumer} "${sources}" generic -march=x86-64 -Os)
    fastnn_add_target(${prefix} ${consumer} "${sources}" avx2 -march=x86-64-v3)
    fastnn_add_target(${prefix} ${consumer} "${sources}" avx512 -march=x86-64-v4 -mprefer-vector-width=512)
    target_compile_definitions(${consumer} PRIVATE FASTNN_HAS_X86_TARGETS)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    fastnn_add_target(${prefix} ${consumer} "${sources}" generic -march=armv8-a -Os)
    fastnn_add_target(${prefix} ${consumer} "${sources}" neon -march=armv8-a)
    target_compile_definitions(${consumer} PRIVATE FASTNN_HAS_NEON_TARGET)
  else()
    fastnn_add_target(${prefix} ${consumer} "${sources}" generic)
  endif()
endfunction()
