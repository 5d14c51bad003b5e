# SPDX-License-Identifier: Apache-2.0
# What follows from api/*.json: the route table, the handlers' prototypes, the OpenAPI document and
# the console's types. A declaration with a hole in it stops the build here.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
file(GLOB BERTH_API CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/api/*.json)
set(BERTH_API_MADE ${BERTH_GENERATED}/server/handlers.h ${BERTH_GENERATED}/server/routes_table.c
    ${BERTH_GENERATED}/server/openapi.c)
set(BERTH_API_STAMP ${CMAKE_BINARY_DIR}/api.stamp)
add_custom_command(OUTPUT ${BERTH_API_STAMP}
    BYPRODUCTS ${BERTH_API_MADE} ${BERTH_GENERATED}/openapi.json ${BERTH_GENERATED}/api.ts
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/api_gen.py
        --api ${CMAKE_SOURCE_DIR}/api --out ${BERTH_GENERATED}
    COMMAND ${CMAKE_COMMAND} -E touch ${BERTH_API_STAMP}
    DEPENDS ${BERTH_API} ${CMAKE_SOURCE_DIR}/tools/api_gen.py
        ${CMAKE_SOURCE_DIR}/tools/api_model.py ${CMAKE_SOURCE_DIR}/tools/api_docs.py
    COMMENT "api: routes, OpenAPI, types")
add_custom_target(api_made DEPENDS ${BERTH_API_STAMP})
add_dependencies(server api_made)
target_sources(server PRIVATE ${BERTH_GENERATED}/server/routes_table.c
    ${BERTH_GENERATED}/server/openapi.c)
set_source_files_properties(${BERTH_GENERATED}/server/routes_table.c
    ${BERTH_GENERATED}/server/openapi.c PROPERTIES GENERATED TRUE)
