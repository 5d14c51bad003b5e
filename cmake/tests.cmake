# SPDX-License-Identifier: Apache-2.0
# test/<layer>/<name>_test.c is one program of cmocka tests and one ctest entry. Suites that are
# scripts (api, e2e) register themselves in test/<suite>/CMakeLists.txt.
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
if(NOT CMOCKA_FOUND)
    message(STATUS "no cmocka: tests are not built")
    return()
endif()

add_library(check STATIC test/check.c test/fake_http.c)
target_include_directories(check PUBLIC test)
target_link_libraries(check PUBLIC base PkgConfig::CMOCKA Threads::Threads)

# A database for each test, SQLite's and PostgreSQL's: for all layers that have one below them.
add_library(check_store STATIC test/store/support.c test/store/support_failing.c
    test/store/support_postgres.c test/store/support_ready.c test/store/support_rows.c
    test/store/support_vfs.c)
target_link_libraries(check_store PUBLIC store check)
target_compile_definitions(check_store PRIVATE BERTH_TEST_READY="${CMAKE_BINARY_DIR}/ready")

foreach(layer base sys market proto store flow server guest agent cli)
    file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/test/${layer}/*_test.c)
    # What the tests of a layer share, with those of the layers above: test/<layer>/support*.c.
    file(GLOB support CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/test/${layer}/support*.c)
    set(below check)
    if(layer MATCHES "^(store|flow|server)$")
        set(below check_store check)
    endif()
    if(layer STREQUAL server)
        set(below check_flow check_store check)
    endif()
    if(support AND NOT layer STREQUAL store)
        add_library(check_${layer} STATIC ${support})
        target_link_libraries(check_${layer} PUBLIC ${layer} ${below})
        set(below check_${layer} ${below})
    endif()
    foreach(source ${tests})
        get_filename_component(name ${source} NAME_WE)
        set(target test_${layer}_${name})
        add_executable(${target} ${source})
        target_link_libraries(${target} PRIVATE ${below} ${layer})
        if(BERTH_SANITIZE)
            target_compile_options(${target} PRIVATE -O0) # compiled once, run once
        endif()
        add_test(NAME ${layer}/${name} COMMAND ${target} WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
        set_tests_properties(${layer}/${name} PROPERTIES LABELS ${layer} TIMEOUT 300
            ENVIRONMENT "ASAN_OPTIONS=detect_leaks=1;UBSAN_OPTIONS=print_stacktrace=1"
            SKIP_RETURN_CODE 77)
    endforeach()
endforeach()

# NVIDIA's own assembler, where somebody has it, takes our PTX: what it has forgotten to make code for, for a later one.
find_program(BERTH_PTXAS ptxas PATHS /usr/local/cuda/bin)
if(BERTH_PTXAS AND ptx_texts)
    foreach(capability target IN ZIP_LISTS ptx_capabilities ptx_targets)
        add_test(NAME agent/ptxas_${capability} COMMAND ${BERTH_PTXAS} -arch=sm_${target}
            ${CMAKE_BINARY_DIR}/ptx/${capability}.ptx -o ${CMAKE_BINARY_DIR}/ptx/${capability}.cubin)
        set_tests_properties(agent/ptxas_${capability} PROPERTIES LABELS agent)
    endforeach()
endif()

# It waits for disks, and for nothing else.
set_tests_properties(store/durability_test PROPERTIES TIMEOUT 1500 COST 95)

# Its own allocations fail one after another, and those of the database engine.
target_sources(test_flow_faults_test PRIVATE test/flow/faults_memory.c test/sim/sim_disk.c)
target_link_libraries(test_flow_faults_test PRIVATE PkgConfig::SQLITE)
target_link_options(test_flow_faults_test PRIVATE
    -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=__assert_fail)

# No thread can be started there.
foreach(target test_flow_check_feed_test test_flow_check_test)
    target_link_options(${target} PRIVATE -Wl,--wrap=pthread_create)
endforeach()

find_package(Python3 COMPONENTS Interpreter)
add_test(NAME tidy COMMAND ${Python3_EXECUTABLE} tools/tidy.py
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})

foreach(suite fakes api ssh e2e cluster conformance packages upgrade sim oracle)
    if(EXISTS ${CMAKE_SOURCE_DIR}/test/${suite}/CMakeLists.txt)
        add_subdirectory(test/${suite})
    endif()
endforeach()
if(EXISTS ${CMAKE_SOURCE_DIR}/bench/CMakeLists.txt)
    add_subdirectory(bench)
endif()
if(BERTH_FUZZ)
    file(GLOB fuzzers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/test/fuzz/*_fuzz.c)
    foreach(source ${fuzzers})
        # test/fuzz/<layer>_<name>_fuzz.c links its layer.
        get_filename_component(name ${source} NAME_WE)
        string(REGEX REPLACE "_.*" "" layer ${name})
        add_executable(${name} ${source})
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
        target_link_libraries(${name} PRIVATE ${layer})
    endforeach()
endif()
