# SPDX-License-Identifier: Apache-2.0
# build/bin/berth-guest: one static file that runs in any image. It is never sanitized, and built
# with musl where there is one, which makes it a tenth of the size.
find_program(BERTH_MUSL_GCC musl-gcc)
if(BERTH_MUSL_GCC)
    set(guest_compiler ${BERTH_MUSL_GCC})
else()
    set(guest_compiler ${CMAKE_C_COMPILER})
endif()
# At an address of its own each time, as the others are. musl's wrapper links what is static at a fixed one, so
# its pieces are named here; without them it stays at that.
string(REPLACE gnu musl musl_folder "/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}")
if(NOT BERTH_MUSL_GCC)
    set(guest_link -static-pie)
elseif(EXISTS ${musl_folder}/rcrt1.o)
    foreach(piece crtbeginS.o crtendS.o)
        execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=${piece} OUTPUT_VARIABLE ${piece}
            OUTPUT_STRIP_TRAILING_WHITESPACE)
    endforeach()
    set(guest_link -static -nostartfiles -Wl,-pie,--no-dynamic-linker,-z,text ${musl_folder}/rcrt1.o
        ${musl_folder}/crti.o ${crtbeginS.o})
    set(guest_link_end ${crtendS.o} ${musl_folder}/crtn.o)
else()
    set(guest_link -static)
endif()
file(GLOB guest_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/guest/*.c)
file(GLOB guest_headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/guest/*.h)
set(guest_program ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/berth-guest)
add_custom_command(OUTPUT ${guest_program}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}
    COMMAND ${guest_compiler} -std=c17 -D_GNU_SOURCE -DBERTH_VERSION="${PROJECT_VERSION}" -Os
        -Wall -Wextra -Werror -fstack-protector-strong -fPIE -ffunction-sections -fdata-sections
        -s -Wl,--gc-sections,-z,relro,-z,now -I${CMAKE_SOURCE_DIR}/src ${guest_link} ${guest_sources}
        ${guest_link_end} -o ${guest_program}
    DEPENDS ${guest_sources} ${guest_headers} COMMENT "Building berth-guest" VERBATIM)
add_custom_target(berth-guest ALL DEPENDS ${guest_program})

# build/fakes/libnvidia-ml.so.1: a fake, for the tests alone.
add_library(nvml_fake SHARED ${CMAKE_SOURCE_DIR}/test/fakes/nvml_fake.c)
set_target_properties(nvml_fake PROPERTIES OUTPUT_NAME nvidia-ml SOVERSION 1
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fakes)

# build/fakes/libcuda.so.1: the same.
add_library(cuda_fake SHARED ${CMAKE_SOURCE_DIR}/test/fakes/cuda_fake.c)
set_target_properties(cuda_fake PROPERTIES OUTPUT_NAME cuda SOVERSION 1
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fakes)
target_compile_options(cuda_fake PRIVATE -fPIC -fno-sanitize=all)

# What runs on GPUs travels inside the program, as text.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(bench_kernels ${BERTH_GENERATED}/agent/bench_kernels.inc)
file(MAKE_DIRECTORY ${BERTH_GENERATED}/agent)
add_custom_command(OUTPUT ${bench_kernels}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/text_gen.py
        ${CMAKE_SOURCE_DIR}/src/agent/bench_kernels.cl ${bench_kernels}
    DEPENDS ${CMAKE_SOURCE_DIR}/tools/text_gen.py ${CMAKE_SOURCE_DIR}/src/agent/bench_kernels.cl)
target_sources(agent PRIVATE ${bench_kernels})
