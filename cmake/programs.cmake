# SPDX-License-Identifier: Apache-2.0
# A program is src/<layer>/main.c and its layer.
function(berth_program name layer)
    if(EXISTS ${CMAKE_SOURCE_DIR}/src/${layer}/main.c)
        add_executable(${name} src/${layer}/main.c)
        target_link_libraries(${name} PRIVATE ${layer})
        target_compile_definitions(${name} PRIVATE BERTH_VERSION="${PROJECT_VERSION}")
    endif()
endfunction()

berth_program(berthd server)
berth_program(berth-host agent)
berth_program(berth cli)
