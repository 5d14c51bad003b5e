/* SPDX-License-Identifier: Apache-2.0 */
/* A fake of NVIDIA's libnvidia-ml.so.1, for tests alone: as many GPUs as NVML_FAKE_GPUS says, a
 * driver that is not loaded where it says 0, and one that is broken where NVML_FAKE_BROKEN names
 * the function to fail. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, INVALID = 2, NO_DRIVER = 9, LOST = 15, GPUS_MAX = 16 };

struct device {
    unsigned index;
};

struct memory {
    unsigned long long total, free, used;
};

struct pci {
    char bus_id_legacy[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char bus_id[32];
};

struct utilization {
    unsigned gpu, memory;
};

static struct device devices[GPUS_MAX];

static unsigned count(void)
{
    const char *text = getenv("NVML_FAKE_GPUS");

    return text == NULL ? 0 : (unsigned)strtoul(text, NULL, 10);
}

static int answer(const char *function)
{
    const char *broken = getenv("NVML_FAKE_BROKEN");

    return broken != NULL && strcmp(broken, function) == 0 ? LOST : OK;
}

int nvmlInit_v2(void);
int nvmlShutdown(void);
const char *nvmlErrorString(int status);
int nvmlDeviceGetCount_v2(unsigned *ret);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct device **ret);
int nvmlDeviceGetName(struct device *device, char *text, unsigned size);
int nvmlDeviceGetUUID(struct device *device, char *text, unsigned size);
int nvmlDeviceGetMemoryInfo(struct device *device, struct memory *ret);
int nvmlDeviceGetPciInfo_v3(struct device *device, struct pci *ret);
int nvmlSystemGetDriverVersion(char *text, unsigned size);
int nvmlSystemGetCudaDriverVersion_v2(int *ret);
int nvmlDeviceGetCudaComputeCapability(struct device *device, int *major, int *minor);
int nvmlDeviceGetPowerManagementDefaultLimit(struct device *device, unsigned *ret);
int nvmlDeviceGetMaxPcieLinkGeneration(struct device *device, unsigned *ret);
int nvmlDeviceGetMaxPcieLinkWidth(struct device *device, unsigned *ret);
int nvmlDeviceGetUtilizationRates(struct device *device, struct utilization *ret);
int nvmlDeviceGetTemperature(struct device *device, int sensor, unsigned *ret);
int nvmlDeviceGetTemperatureThreshold(struct device *device, int which, unsigned *ret);
int nvmlDeviceGetPowerUsage(struct device *device, unsigned *ret);
int nvmlDeviceGetClockInfo(struct device *device, int which, unsigned *ret);
int nvmlDeviceGetCurrentClocksThrottleReasons(struct device *device, unsigned long long *ret);

int nvmlInit_v2(void)
{
    return count() == 0 ? NO_DRIVER : answer("init");
}

int nvmlShutdown(void)
{
    return OK;
}

const char *nvmlErrorString(int status)
{
    return status == LOST ? "GPU is lost" : "some error";
}

int nvmlDeviceGetCount_v2(unsigned *ret)
{
    *ret = count();
    return answer("count");
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct device **ret)
{
    if (index >= count() || index >= GPUS_MAX)
        return INVALID;
    devices[index].index = index;
    *ret = &devices[index];
    return answer("handle");
}

int nvmlDeviceGetName(struct device *device, char *text, unsigned size)
{
    (void)device;
    (void)snprintf(text, size, "NVIDIA GeForce RTX 3090");
    return answer("name");
}

int nvmlDeviceGetUUID(struct device *device, char *text, unsigned size)
{
    (void)snprintf(text, size, "GPU-00000000-0000-0000-0000-%012u", device->index);
    return answer("uuid");
}

int nvmlDeviceGetMemoryInfo(struct device *device, struct memory *ret)
{
    (void)device;
    *ret = (struct memory){ .total = 24ull << 30, .used = 1ull << 28 };
    return answer("memory");
}

int nvmlDeviceGetPciInfo_v3(struct device *device, struct pci *ret)
{
    *ret = (struct pci){ .bus = device->index + 1 };
    (void)snprintf(ret->bus_id, sizeof ret->bus_id, "00000000:%02X:00.0", device->index + 1);
    return answer("pci");
}

int nvmlSystemGetDriverVersion(char *text, unsigned size)
{
    (void)snprintf(text, size, "535.104.05");
    return answer("driver");
}

int nvmlSystemGetCudaDriverVersion_v2(int *ret)
{
    *ret = 12020;
    return OK;
}

int nvmlDeviceGetCudaComputeCapability(struct device *device, int *major, int *minor)
{
    (void)device;
    *major = 8;
    *minor = 6;
    return OK;
}

int nvmlDeviceGetPowerManagementDefaultLimit(struct device *device, unsigned *ret)
{
    (void)device;
    *ret = 350000;
    return OK;
}

int nvmlDeviceGetMaxPcieLinkGeneration(struct device *device, unsigned *ret)
{
    (void)device;
    *ret = 4;
    return answer("pcie");
}

int nvmlDeviceGetMaxPcieLinkWidth(struct device *device, unsigned *ret)
{
    (void)device;
    *ret = 16;
    return answer("pcie");
}

/* GPU i is busy to 30 * i percent; from the fourth on the answer makes no sense. */
int nvmlDeviceGetUtilizationRates(struct device *device, struct utilization *ret)
{
    *ret = (struct utilization){ .gpu = 30 * device->index, .memory = 1 };
    return answer("utilization");
}

int nvmlDeviceGetTemperature(struct device *device, int sensor, unsigned *ret)
{
    *ret = sensor == 0 ? 55 + device->index : 0;
    return answer("temperature");
}

/* The first knows what it is made for, the others only from where on they slow down; the fourth
 * says nonsense. */
int nvmlDeviceGetTemperatureThreshold(struct device *device, int which, unsigned *ret)
{
    enum { SLOWDOWN = 1, OPERATING = 3 };

    if (which == OPERATING && device->index == 0) {
        *ret = 85;
        return OK;
    }
    *ret = device->index == 3 ? 100000 : 93;
    return which == SLOWDOWN ? OK : INVALID;
}

int nvmlDeviceGetPowerUsage(struct device *device, unsigned *ret)
{
    (void)device;
    *ret = 123456;
    return answer("draw");
}

/* 1 is the processors', 2 the memory's. */
int nvmlDeviceGetClockInfo(struct device *device, int which, unsigned *ret)
{
    (void)device;
    *ret = which == 1 ? 1755 : which == 2 ? 9501 : 0;
    return answer("clock");
}

/* As NVML_FAKE_REASONS says, in the driver's own bits; without it, that it is idle. */
int nvmlDeviceGetCurrentClocksThrottleReasons(struct device *device, unsigned long long *ret)
{
    const char *text = getenv("NVML_FAKE_REASONS");

    (void)device;
    *ret = text != NULL ? strtoull(text, NULL, 0) : 1;
    return answer("reasons");
}
