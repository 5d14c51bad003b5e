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

# build/fakes/libcuda.so.1: the same, with a machine for PTX that is optimised in any build.
set(fakes ${CMAKE_SOURCE_DIR}/test/fakes)
add_library(cuda_fake SHARED ${fakes}/cuda_fake.c ${fakes}/ptx_parse.c ${fakes}/ptx_run.c ${fakes}/ptx_mma.c)
set_target_properties(cuda_fake PROPERTIES OUTPUT_NAME cuda SOVERSION 1
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fakes)
target_compile_options(cuda_fake PRIVATE -fPIC -O2 -fno-sanitize=all)
target_link_libraries(cuda_fake PRIVATE m)

# What runs on GPUs travels inside the program, as text.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(bench_kernels ${BERTH_GENERATED}/agent/bench_kernels.inc)
file(MAKE_DIRECTORY ${BERTH_GENERATED}/agent)
add_custom_command(OUTPUT ${bench_kernels}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/text_gen.py
        ${CMAKE_SOURCE_DIR}/src/agent/bench_kernels.cl ${bench_kernels}
    DEPENDS ${CMAKE_SOURCE_DIR}/tools/text_gen.py ${CMAKE_SOURCE_DIR}/src/agent/bench_kernels.cl)
target_sources(agent PRIVATE ${bench_kernels})

# And as PTX for NVIDIA's GPUs, where there is a clang that makes it: ptx_texts.inc lists what was made, which
# may be nothing. Each is for a compute capability and all later ones: Pascal (two), Volta, Turing, Ampere.
option(BERTH_PTX "kernels for CUDA's driver, where clang can make them" ON)
set(ptx_capabilities 60 61 70 75 80)
set(ptx_versions 50 50 64 65 70) # of the language: the oldest driver that takes it
set(ptx_targets 75 75 75 75 80)  # what NVIDIA's present assembler makes of each
set(ptx_texts "")
find_program(BERTH_CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14)
if(BERTH_PTX AND BERTH_CLANG)
    execute_process(COMMAND ${BERTH_CLANG} -print-targets OUTPUT_VARIABLE clang_targets ERROR_QUIET)
endif()
if(clang_targets MATCHES "nvptx64")
    set(ptx_sources ${CMAKE_SOURCE_DIR}/src/agent/bench_kernels.cl ${CMAKE_SOURCE_DIR}/src/agent/bench_tensor.cl)
    foreach(capability version IN ZIP_LISTS ptx_capabilities ptx_versions)
        set(ptx ${CMAKE_BINARY_DIR}/ptx/${capability}.ptx)
        set(ptx_text ${BERTH_GENERATED}/agent/ptx_${capability}.inc)
        add_custom_command(OUTPUT ${ptx}
            COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/ptx
            COMMAND ${BERTH_CLANG} -x cl -cl-std=CL1.2 -nogpulib --target=nvptx64-nvidia-cuda
                -Xclang -target-cpu -Xclang sm_${capability} -Xclang -target-feature -Xclang +ptx${version}
                -DBERTH_PTX=${capability} -Wall -Werror -O3 -S -include ${ptx_sources} -o ${ptx}
            DEPENDS ${ptx_sources} COMMENT "PTX for sm_${capability}" VERBATIM)
        add_custom_command(OUTPUT ${ptx_text}
            COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/text_gen.py ${ptx} ${ptx_text}
            DEPENDS ${CMAKE_SOURCE_DIR}/tools/text_gen.py ${ptx} VERBATIM)
        target_sources(agent PRIVATE ${ptx_text})
        string(APPEND ptx_texts "{ ${capability}0,\n#include \"agent/ptx_${capability}.inc\"\n},\n")
    endforeach()
else()
    message(STATUS "no clang that makes PTX: GPUs are measured by OpenCL alone")
endif()
file(CONFIGURE OUTPUT ${BERTH_GENERATED}/agent/ptx_texts.inc CONTENT "${ptx_texts}" @ONLY)
