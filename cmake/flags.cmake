# SPDX-License-Identifier: Apache-2.0
# One set of flags for everything; the same on gcc and clang.
include(CheckLinkerFlag)

add_compile_definitions(_GNU_SOURCE)
add_compile_options(-Wall -Wextra -Werror -Wconversion -Wformat=2 -Wmissing-prototypes
    -Wpointer-arith -Wshadow -Wstrict-prototypes -Wswitch-enum -Wundef -Wvla -Wwrite-strings
    -fstack-protector-strong -fPIE -fno-omit-frame-pointer)
add_link_options(-pie -Wl,-z,relro,-z,now)
# gcc 12 cannot see that error_set() is always false, and so warns of outputs that are never read
# after a failure. clang and the sanitizers look for the real thing.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)
endif()
# Some four hundred programs of tests are linked: gold takes less than half of the time.
check_linker_flag(C -fuse-ld=gold BERTH_HAS_GOLD)
if(BERTH_SANITIZE AND BERTH_HAS_GOLD)
    add_link_options(-fuse-ld=gold)
endif()
# gcc 12 warns of fortify where there is no optimisation.
if(NOT BERTH_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
if(BERTH_SANITIZE)
    # Half of the compiler's time went into optimising checks; sanitizers want lines alone. What
    # gcc says of lengths at -O2, and sees less well here, the release build hears.
    add_compile_options(-O1 -g1)
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        add_compile_options(-Wno-format-truncation)
    endif()
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
    add_link_options(-fsanitize=address,undefined)
endif()
if(BERTH_SANITIZE_THREADS)
    add_compile_options(-fsanitize=thread)
    add_link_options(-fsanitize=thread)
endif()
if(BERTH_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(BERTH_COVERAGE)
    add_compile_options(--coverage -fprofile-update=atomic) # tests have threads
    add_link_options(--coverage)
    add_compile_definitions(BERTH_AUDIT_PAGE=3) # rows: pages end at every place
endif()

# What a layer generates for others to include: generated/base/..., generated/store/...
set(BERTH_GENERATED ${CMAKE_BINARY_DIR}/generated)
include_directories(src ${BERTH_GENERATED})
