/* SPDX-License-Identifier: Apache-2.0 */
#include "market/gpu.h"

#include <string.h>

#include "check.h"

static void test_drivers_names_become_the_markets(void **state)
{
    static const char *const rows[][2] = {
        { "NVIDIA GeForce RTX 4090", "RTX 4090" },
        { "NVIDIA GeForce RTX 4090 D", "RTX 4090D" },
        { "NVIDIA GeForce RTX 4080 SUPER", "RTX 4080S" },
        { "NVIDIA GeForce RTX 4070 Ti SUPER", "RTX 4070S Ti" },
        { "NVIDIA GeForce RTX 4070 Ti", "RTX 4070 Ti" },
        { "NVIDIA GeForce RTX 2080 SUPER", "RTX 2080S" },
        { "NVIDIA GeForce RTX 3060 Laptop GPU", "RTX 3060 laptop" },
        { "NVIDIA GeForce GTX 1660 SUPER", "GTX 1660 S" },
        { "NVIDIA GeForce GTX 1660 Ti", "GTX 1660 Ti" },
        { "NVIDIA GeForce GTX 1060 6GB", "GTX 1060" },
        { "GeForce GTX 1080 Ti", "GTX 1080 Ti" },
        { "NVIDIA GeForce GTX TITAN X", "GTX TITAN X" },
        { "NVIDIA TITAN X (Pascal)", "Titan X" },
        { "NVIDIA TITAN Xp", "Titan Xp" },
        { "NVIDIA TITAN RTX", "Titan RTX" },
        { "NVIDIA TITAN V", "Titan V" },
        { "NVIDIA A100-SXM4-80GB", "A100 SXM4" },
        { "NVIDIA A100-SXM4-40GB", "A100 SXM4" },
        { "NVIDIA A100 80GB PCIe", "A100 PCIE" },
        { "NVIDIA A100-PCIE-40GB", "A100 PCIE" },
        { "NVIDIA H100 80GB HBM3", "H100 SXM" },
        { "NVIDIA H100 PCIe", "H100 PCIE" },
        { "NVIDIA H100 NVL", "H100 NVL" },
        { "NVIDIA H200", "H200" },
        { "NVIDIA H200 NVL", "H200 NVL" },
        { "NVIDIA B200", "B200" },
        { "NVIDIA GH200 480GB", "GH200 SXM" },
        { "NVIDIA RTX 6000 Ada Generation", "RTX 6000Ada" },
        { "NVIDIA RTX A6000", "RTX A6000" },
        { "NVIDIA RTX A2000 12GB", "RTX A2000" },
        { "NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "RTX PRO 6000 WS" },
        { "NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX PRO 6000 S" },
        { "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", "RTX PRO 6000 Max-Q" },
        { "Quadro RTX 8000", "Q RTX 8000" },
        { "Quadro P4000", "Quadro P4000" },
        { "Tesla V100-SXM2-16GB", "Tesla V100" },
        { "Tesla V100-PCIE-32GB", "Tesla V100" },
        { "Tesla P100-PCIE-16GB", "Tesla P100" },
        { "Tesla T4", "Tesla T4" },
        { "NVIDIA T4", "Tesla T4" },
        { "NVIDIA A10G", "A10g" },
        { "NVIDIA A10", "A10" },
        { "NVIDIA L40S", "L40S" },
        { "P104-100", "P104-100" },
        /* Names of the market stay what they are. */
        { "RTX 4090", "RTX 4090" },
        { "RTX PRO 6000 Max-Q", "RTX PRO 6000 Max-Q" },
        { "Titan Xp", "Titan Xp" },
        { "GH200 SXM", "GH200 SXM" },
        /* What a hostile host may say. */
        { "", "unknown GPU" },
        { " \t\n ", "unknown GPU" },
        { "NVIDIA", "unknown GPU" },
        { "RTX\n4090\x1b[31m\xff", "RTX 4090 [31m" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[GPU_NAME_SIZE];

        check_row("%s", rows[i][0]);
        CHECK_TEXT(gpu_name(rows[i][0], name), rows[i][1]);
    }
}

static void test_any_text_makes_a_printable_name(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        static const char pieces[][12] = { " SUPER", " Ti", "GTX",  "TITAN", "-",    "4090 D",
                                           "V100",   " ",   "PCIe", "80GB",  "\xe2", "\n" };
        char text[300] = "", name[GPU_NAME_SIZE];
        size_t length = check_random(sizeof text - 1);

        for (size_t i = 0; i < length; i++)
            text[i] = (char)(1 + check_random(255));
        for (uint64_t i = check_random(6); i > 0 && length > 12; i--) {
            const char *piece = pieces[check_random(12)];

            memcpy(text + check_random(length - 12), piece, strlen(piece));
        }
        check_row("round %d", round);
        (void)gpu_name(text, name);
        CHECK(strlen(name) > 0 && strlen(name) < GPU_NAME_SIZE);
        for (const char *c = name; *c != '\0'; c++)
            CHECK(*c >= ' ' && *c <= '~');
    }
}

static void test_models_are_sorted_and_found(void **state)
{
    size_t count;
    const struct gpu_model *models = gpu_models(&count);

    (void)state;
    CHECK(count > 80);
    for (size_t i = 0; i < count; i++) {
        char name[GPU_NAME_SIZE];

        check_row("%s", models[i].name);
        CHECK(i == 0 || strcmp(models[i - 1].name, models[i].name) < 0);
        CHECK(gpu_model(models[i].name) == &models[i]);
        CHECK_TEXT(gpu_name(models[i].name, name), models[i].name);
        CHECK(models[i].compute_cap >= 500 && models[i].compute_cap <= 1200);
        CHECK(models[i].memory_gb > 0 && models[i].fp32_gflops > 0 && models[i].memory_mbs > 0);
        CHECK(models[i].f16_gflops >= models[i].fp32_gflops);
        CHECK(models[i].power_w > 0 && *models[i].architecture != '\0');
    }
    CHECK_INT(gpu_model("rtx_4090")->fp32_gflops, 82580);
    CHECK(gpu_model("RTX 4091") == NULL);
    CHECK(gpu_model("") == NULL);
}

static void test_bare_names_are_of_no_model(void **state)
{
    size_t count;
    const char *const *names = gpu_bare_names(&count);

    (void)state;
    CHECK(count > 0);
    for (size_t i = 0; i < count; i++) {
        check_row("%s", names[i]);
        CHECK(gpu_model(names[i]) == NULL);
        CHECK(strlen(names[i]) < GPU_NAME_SIZE);
        for (size_t j = 0; j < i; j++)
            CHECK(!gpu_name_matches(names[i], names[j]));
    }
}

static void test_names_match_whatever_the_client_sends(void **state)
{
    (void)state;
    CHECK(gpu_name_matches("RTX 4090", "RTX_4090"));
    CHECK(gpu_name_matches("RTX 4090", "rtx-4090"));
    CHECK(gpu_name_matches("P104-100", "P104 100"));
    CHECK(!gpu_name_matches("RTX 4090", "RTX 4090D"));
    CHECK(!gpu_name_matches("RTX 4090D", "RTX 4090"));
    CHECK(!gpu_name_matches("RTX 4090", "RTX4090"));
    CHECK(gpu_name_matches("", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drivers_names_become_the_markets),
        cmocka_unit_test(test_any_text_makes_a_printable_name),
        cmocka_unit_test(test_models_are_sorted_and_found),
        cmocka_unit_test(test_bare_names_are_of_no_model),
        cmocka_unit_test(test_names_match_whatever_the_client_sends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
