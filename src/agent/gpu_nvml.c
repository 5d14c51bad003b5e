/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/gpu_nvml.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "market/gpu.h"

/* NVML's binary interface, as far as we use it: from its documentation, under our own names. */
typedef int nvml_status; /* 0 is success */
typedef struct nvml_device_opaque *nvml_device;

enum {
    NVML_OK = 0,
    NVML_NOT_FOUND = 6,
    NVML_NO_DRIVER = 9,
    NVML_TEXT_SIZE = 96,
    SENSOR_GPU = 0,
    THRESHOLD_SLOWDOWN = 1,
    THRESHOLD_OPERATING = 3, /* the most that it is made for */
    CELSIUS_MAX = 1000,
    CLOCK_CORE = 1, /* of the multiprocessors */
    CLOCK_MEMORY = 2,
};

struct nvml_memory {
    unsigned long long total, free, used;
};

struct nvml_pci {
    char bus_id_legacy[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char bus_id[32];
};

struct nvml_utilization {
    unsigned gpu, memory; /* percent */
};

struct nvml {
    void *object; /* shared */
    nvml_status (*init)(void);
    nvml_status (*shutdown)(void);
    const char *(*error_string)(nvml_status status);
    nvml_status (*count)(unsigned *count);
    nvml_status (*handle)(unsigned index, nvml_device *device);
    nvml_status (*name)(nvml_device device, char *text, unsigned size);
    nvml_status (*uuid)(nvml_device device, char *text, unsigned size);
    nvml_status (*memory)(nvml_device device, struct nvml_memory *memory);
    nvml_status (*pci)(nvml_device device, struct nvml_pci *pci);
    nvml_status (*driver)(char *text, unsigned size);
    /* May be missing from an old library: then what they tell is unknown. */
    nvml_status (*cuda)(int *version);
    nvml_status (*compute)(nvml_device device, int *major, int *minor);
    nvml_status (*power)(nvml_device device, unsigned *milliwatt);
    nvml_status (*pcie_gen)(nvml_device device, unsigned *gen);
    nvml_status (*pcie_lanes)(nvml_device device, unsigned *lanes);
    nvml_status (*utilization)(nvml_device device, struct nvml_utilization *busy);
    nvml_status (*temperature)(nvml_device device, int sensor, unsigned *celsius);
    nvml_status (*threshold)(nvml_device device, int which, unsigned *celsius);
    nvml_status (*draw)(nvml_device device, unsigned *milliwatt);
    nvml_status (*clock)(nvml_device device, int which, unsigned *mhz);
    nvml_status (*reasons)(nvml_device device, unsigned long long *bits);
};

/* dlsym() gives an object's address where we need a function's; POSIX lets both be the same. */
static bool find(void *library, const char *symbol, void *function)
{
    void *address = dlsym(library, symbol);

    memcpy(function, &address, sizeof address);
    return address != NULL;
}

static bool load(struct nvml *nvml, struct error *err)
{
    static const char missing[] = "the NVIDIA driver's library lacks a function that is needed";

    if (!find(nvml->object, "nvmlInit_v2", &nvml->init) ||
        !find(nvml->object, "nvmlShutdown", &nvml->shutdown) ||
        !find(nvml->object, "nvmlErrorString", &nvml->error_string) ||
        !find(nvml->object, "nvmlDeviceGetCount_v2", &nvml->count) ||
        !find(nvml->object, "nvmlDeviceGetHandleByIndex_v2", &nvml->handle) ||
        !find(nvml->object, "nvmlDeviceGetName", &nvml->name) ||
        !find(nvml->object, "nvmlDeviceGetUUID", &nvml->uuid) ||
        !find(nvml->object, "nvmlDeviceGetMemoryInfo", &nvml->memory) ||
        !find(nvml->object, "nvmlDeviceGetPciInfo_v3", &nvml->pci) ||
        !find(nvml->object, "nvmlSystemGetDriverVersion", &nvml->driver))
        return error_set(err, ERROR_IO, "%s", missing);
    (void)find(nvml->object, "nvmlSystemGetCudaDriverVersion_v2", &nvml->cuda);
    (void)find(nvml->object, "nvmlDeviceGetCudaComputeCapability", &nvml->compute);
    (void)find(nvml->object, "nvmlDeviceGetPowerManagementDefaultLimit", &nvml->power);
    (void)find(nvml->object, "nvmlDeviceGetMaxPcieLinkGeneration", &nvml->pcie_gen);
    (void)find(nvml->object, "nvmlDeviceGetMaxPcieLinkWidth", &nvml->pcie_lanes);
    (void)find(nvml->object, "nvmlDeviceGetUtilizationRates", &nvml->utilization);
    (void)find(nvml->object, "nvmlDeviceGetTemperature", &nvml->temperature);
    (void)find(nvml->object, "nvmlDeviceGetTemperatureThreshold", &nvml->threshold);
    (void)find(nvml->object, "nvmlDeviceGetPowerUsage", &nvml->draw);
    (void)find(nvml->object, "nvmlDeviceGetClockInfo", &nvml->clock);
    (void)find(nvml->object, "nvmlDeviceGetCurrentClocksThrottleReasons", &nvml->reasons);
    return true;
}

static bool refused(const struct nvml *nvml, nvml_status status, const char *what,
                    struct error *err)
{
    return error_set(err, ERROR_IO, "the NVIDIA driver: %s: %s", what, nvml->error_string(status));
}

/* Not all GPUs know the one, and older drivers only the other. */
static int64_t read_temp_max(const struct nvml *nvml, nvml_device device)
{
    static const int kinds[] = { THRESHOLD_OPERATING, THRESHOLD_SLOWDOWN };
    unsigned celsius;

    for (size_t i = 0; nvml->threshold != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (nvml->threshold(device, kinds[i], &celsius) == NVML_OK && celsius > 0 &&
            celsius <= CELSIUS_MAX)
            return celsius;
    }
    return 0;
}

static void read_optional(const struct nvml *nvml, nvml_device device, struct gpu_facts *gpu)
{
    int major, minor;
    unsigned value;

    if (nvml->compute != NULL && nvml->compute(device, &major, &minor) == NVML_OK)
        gpu->compute_cap = 100 * (int64_t)major + 10 * (int64_t)minor;
    if (nvml->power != NULL && nvml->power(device, &value) == NVML_OK)
        gpu->power_max_w = value / 1000;
    if (nvml->pcie_gen != NULL && nvml->pcie_gen(device, &value) == NVML_OK)
        gpu->pcie_gen = value;
    if (nvml->pcie_lanes != NULL && nvml->pcie_lanes(device, &value) == NVML_OK)
        gpu->pcie_lanes = value;
    gpu->temp_max_c = read_temp_max(nvml, device);
}

static bool read_gpu(const struct nvml *nvml, unsigned index, struct gpu_facts *gpu,
                     struct error *err)
{
    char driver_name[NVML_TEXT_SIZE] = "", uuid[NVML_TEXT_SIZE] = "", name[GPU_NAME_SIZE];
    struct nvml_memory memory;
    struct nvml_pci pci;
    nvml_device device;
    nvml_status status;

    if ((status = nvml->handle(index, &device)) != NVML_OK)
        return refused(nvml, status, "find it", err);
    if ((status = nvml->name(device, driver_name, sizeof driver_name)) != NVML_OK)
        return refused(nvml, status, "its name", err);
    if ((status = nvml->uuid(device, uuid, sizeof uuid)) != NVML_OK)
        return refused(nvml, status, "its uuid", err);
    if ((status = nvml->memory(device, &memory)) != NVML_OK)
        return refused(nvml, status, "its memory", err);
    if ((status = nvml->pci(device, &pci)) != NVML_OK)
        return refused(nvml, status, "its bus", err);
    if (strnlen(uuid, sizeof uuid) >= sizeof gpu->uuid)
        return error_set(err, ERROR_IO, "the NVIDIA driver: a uuid of over %zu characters",
                         sizeof gpu->uuid - 1);
    (void)snprintf(gpu->uuid, sizeof gpu->uuid, "%s", uuid);
    (void)snprintf(gpu->name, sizeof gpu->name, "%s", gpu_name(driver_name, name));
    (void)snprintf(gpu->pci_bus, sizeof gpu->pci_bus, "%.31s", pci.bus_id);
    gpu->memory_mb = (int64_t)(memory.total >> 20);
    read_optional(nvml, device, gpu);
    return true;
}

static bool read_all(const struct nvml *nvml, struct machine_facts *facts, struct error *err)
{
    char driver[NVML_TEXT_SIZE] = "";
    unsigned count = 0;
    int cuda = 0;

    nvml_status status = nvml->count(&count);
    if (status != NVML_OK)
        return refused(nvml, status, "count the GPUs", err);
    if (count > GPUS_MAX)
        return error_set(err, ERROR_IO, "%u GPUs are more than the %d that one machine may have",
                         count, GPUS_MAX);
    status = nvml->driver(driver, sizeof driver);
    if (status != NVML_OK)
        return refused(nvml, status, "its version", err);
    for (unsigned i = 0; i < count; i++) {
        if (!read_gpu(nvml, i, &facts->gpus[i], err))
            return error_context(err, "GPU %u", i);
    }
    (void)snprintf(facts->driver_version, sizeof facts->driver_version, "%.31s", driver);
    if (nvml->cuda != NULL && nvml->cuda(&cuda) == NVML_OK)
        facts->cuda_version = cuda / 1000 * 10 + cuda % 1000 / 10; /* 12040 is 12.4 */
    facts->gpu_count = count;
    return true;
}

typedef bool nvml_work(const struct nvml *nvml, void *context, struct error *err);

/* Do it with the driver open. A host without the library or a driver has no GPUs: then nothing is
 * done, which is a success. */
static bool with_driver(nvml_work *work, void *context, struct error *err)
{
    struct nvml nvml = { .object = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL) };
    bool is_done = false;

    if (nvml.object == NULL)
        return true;
    if (load(&nvml, err)) {
        nvml_status status = nvml.init();

        if (status == NVML_NO_DRIVER || status == NVML_NOT_FOUND) {
            is_done = true; /* the library without a driver */
        } else if (status != NVML_OK) {
            (void)refused(&nvml, status, "start", err);
        } else {
            is_done = work(&nvml, context, err);
            (void)nvml.shutdown();
        }
    }
    (void)dlclose(nvml.object);
    return is_done;
}

static bool probe(const struct nvml *nvml, void *context, struct error *err)
{
    struct machine_facts *facts = context;
    struct machine_facts filled = *facts;

    if (!read_all(nvml, &filled, err))
        return false;
    *facts = filled;
    return true;
}

bool gpu_nvml_probe(struct machine_facts *facts, struct error *err)
{
    return with_driver(probe, facts, err);
}

struct gauging {
    struct gpu_gauge *gpus;
    size_t count;
};

/* What the driver calls the reasons, and what we do. That a GPU is idle slows nothing down. */
static int64_t read_brakes(const struct nvml *nvml, nvml_device device)
{
    static const struct {
        unsigned long long nvml;
        enum gpu_brake brake;
    } rows[] = {
        { 0x002, GPU_BRAKE_SETTING },  /* clocks of applications */
        { 0x004, GPU_BRAKE_POWER },    /* power cap by software */
        { 0x008, GPU_BRAKE_HARDWARE }, /* slowed down by hardware */
        { 0x010, GPU_BRAKE_OTHERS },   /* sync boost */
        { 0x020, GPU_BRAKE_HEAT },     /* by software */
        { 0x040, GPU_BRAKE_HEAT },     /* by hardware */
        { 0x080, GPU_BRAKE_SUPPLY },   /* power brake */
        { 0x100, GPU_BRAKE_SETTING },  /* clocks of displays */
    };
    unsigned long long reasons;
    int64_t brakes = 0;

    if (nvml->reasons == NULL || nvml->reasons(device, &reasons) != NVML_OK)
        return -1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        brakes |= (reasons & rows[i].nvml) != 0 ? INT64_C(1) << rows[i].brake : 0;
    return brakes;
}

static int64_t bounded(nvml_status status, const unsigned *value, int64_t max)
{
    return status == NVML_OK && *value <= max ? (int64_t)*value : -1;
}

/* What one of them does not tell, or tells nonsense of, is unknown. */
static void read_gauge(const struct nvml *nvml, nvml_device device, struct gpu_gauge *gpu)
{
    struct nvml_utilization busy = { 0 };
    struct nvml_memory memory = { 0 };
    unsigned value = 0;

    if (nvml->utilization != NULL && nvml->utilization(device, &busy) == NVML_OK && busy.gpu <= 100)
        gpu->permille = 10 * (int64_t)busy.gpu;
    if (nvml->memory(device, &memory) == NVML_OK && memory.used >> 20 <= INT32_MAX)
        gpu->memory_used_mb = (int64_t)(memory.used >> 20);
    if (nvml->temperature != NULL)
        gpu->temperature_c =
            bounded(nvml->temperature(device, SENSOR_GPU, &value), &value, CELSIUS_MAX);
    if (nvml->draw != NULL && nvml->draw(device, &value) == NVML_OK &&
        value / 1000 <= GPU_POWER_MAX_W)
        gpu->power_w = value / 1000;
    if (nvml->clock != NULL) {
        gpu->core_mhz = bounded(nvml->clock(device, CLOCK_CORE, &value), &value, GPU_CLOCK_MAX_MHZ);
        gpu->memory_mhz =
            bounded(nvml->clock(device, CLOCK_MEMORY, &value), &value, GPU_CLOCK_MAX_MHZ);
    }
    gpu->brakes = read_brakes(nvml, device);
}

/* A GPU that has fallen off the bus says nothing; the others still do. */
static bool read_gauges(const struct nvml *nvml, void *context, struct error *err)
{
    struct gauging *gauging = context;
    unsigned count = 0;

    nvml_status status = nvml->count(&count);
    if (status != NVML_OK)
        return refused(nvml, status, "count the GPUs", err);
    for (unsigned i = 0; i < count && i < GPUS_MAX; i++) {
        char uuid[NVML_TEXT_SIZE] = "";
        nvml_device device;

        if (nvml->handle(i, &device) != NVML_OK ||
            nvml->uuid(device, uuid, sizeof uuid) != NVML_OK ||
            strnlen(uuid, sizeof uuid) >= GPU_UUID_SIZE)
            continue;
        struct gpu_gauge *gpu = &gauging->gpus[gauging->count++];
        *gpu = gpu_gauge_unknown(uuid);
        read_gauge(nvml, device, gpu);
    }
    return true;
}

bool gpu_nvml_gauge(struct gpu_gauge *gpus, size_t *ret_count, struct error *err)
{
    struct gauging gauging = { .gpus = gpus };

    if (!with_driver(read_gauges, &gauging, err))
        return false;
    *ret_count = gauging.count;
    return true;
}
