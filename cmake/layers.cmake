# SPDX-License-Identifier: Apache-2.0
# One static library a layer, linked with the layers below it and no other, so that a call which
# goes up does not link. A new source file in src/<layer>/ is picked up by itself.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(MHD REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl)
pkg_check_modules(SSH REQUIRED IMPORTED_TARGET libssh)
pkg_check_modules(NFTABLES REQUIRED IMPORTED_TARGET libnftables)

# berth_layer(NAME [BELOW layer...] [LIBRARIES target...])
function(berth_layer name)
    cmake_parse_arguments(LAYER "" "" "BELOW;LIBRARIES" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.c)
    list(FILTER sources EXCLUDE REGEX "/main\\.c$")
    if(NOT sources)
        file(WRITE ${CMAKE_BINARY_DIR}/empty_${name}.c "typedef int berth_empty_${name};\n")
        set(sources ${CMAKE_BINARY_DIR}/empty_${name}.c)
    endif()
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC ${LAYER_BELOW} ${LAYER_LIBRARIES})
endfunction()

berth_layer(base LIBRARIES PkgConfig::JANSSON m)
berth_layer(sys BELOW base LIBRARIES PkgConfig::SODIUM PkgConfig::CRYPTO PkgConfig::OPENSSL
    PkgConfig::CURL Threads::Threads)
berth_layer(market BELOW base)
berth_layer(proto BELOW market base)
berth_layer(store BELOW market sys base LIBRARIES PkgConfig::SQLITE PkgConfig::PQ)
berth_layer(flow BELOW store proto market sys base)
berth_layer(server BELOW flow store proto market sys base LIBRARIES PkgConfig::MHD
    PkgConfig::ZLIB)
# What runs inside a renter's container; of it the agent uses guest/wire.h.
berth_layer(guest)
berth_layer(agent BELOW guest proto market sys base LIBRARIES PkgConfig::SSH PkgConfig::NFTABLES
    ${CMAKE_DL_LIBS})
berth_layer(cli BELOW proto sys base)

# Each layer may add rules for what it generates: cmake/<layer>.cmake.
foreach(layer base sys market proto store flow server agent cli)
    if(EXISTS ${CMAKE_SOURCE_DIR}/cmake/${layer}.cmake)
        include(${CMAKE_SOURCE_DIR}/cmake/${layer}.cmake)
    endif()
endforeach()
