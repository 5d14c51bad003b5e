# SPDX-License-Identifier: Apache-2.0
# The table of GPU models, from data/gpus.csv.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(gpu_models ${BERTH_GENERATED}/market/gpu_models.inc)
file(MAKE_DIRECTORY ${BERTH_GENERATED}/market)
add_custom_command(OUTPUT ${gpu_models}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/gpus_gen.py
        ${CMAKE_SOURCE_DIR}/data/gpus.csv ${gpu_models}
    DEPENDS ${CMAKE_SOURCE_DIR}/tools/gpus_gen.py ${CMAKE_SOURCE_DIR}/data/gpus.csv)
target_sources(market PRIVATE ${gpu_models})

# Tasks, weights and profiles of DLPerf, from data/dlperf.json.
set(dlperf_tables ${BERTH_GENERATED}/market/dlperf_tables.inc)
add_custom_command(OUTPUT ${dlperf_tables}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/dlperf_gen.py
        ${CMAKE_SOURCE_DIR}/data/dlperf.json ${dlperf_tables}
    DEPENDS ${CMAKE_SOURCE_DIR}/tools/dlperf_gen.py ${CMAKE_SOURCE_DIR}/data/dlperf.json)
target_sources(market PRIVATE ${dlperf_tables})

# Scans over columns are loops that the compiler turns into vectors.
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/market/column.c PROPERTIES COMPILE_OPTIONS -O3)

# Runs of tasks that others have measured, from data/runs.csv.
set(run_list ${BERTH_GENERATED}/market/run_list_known.inc)
add_custom_command(OUTPUT ${run_list}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/text_gen.py
        ${CMAKE_SOURCE_DIR}/data/runs.csv ${run_list}
    DEPENDS ${CMAKE_SOURCE_DIR}/tools/text_gen.py ${CMAKE_SOURCE_DIR}/data/runs.csv)
target_sources(market PRIVATE ${run_list})
