/* SPDX-License-Identifier: Apache-2.0 */
#include "market/region.h"

#include <string.h>

#include "market/gpu.h"

/* ISO 3166 codes. EU is the union's 27 members; Europe is the continent, the union included. */
static const struct {
    const char *name, *countries;
} regions[] = {
    { "EU", "ATBEBGCYCZDEDKEEESFIFRGRHRHUIEITLTLULVMTNLPLPTROSESISK" },
    { "Europe", "ADALATAXBABEBGBYCHCYCZDEDKEEESFIFOFRGBGGGIGRHRHUIEIMISITJELILTLULVMCMDMEMKMTNLNOPL"
                "PTRORSRUSESISJSKSMUAVAXK" },
    { "North America",
      "AGAIAWBBBLBMBQBSBZCACRCUCWDMDOGDGLGPGTHNHTJMKNKYLCMFMQMSMXNIPAPMPRSVSXTCTTUSVCV"
      "GVI" },
    { "South America", "ARBOBRCLCOECFKGFGYPEPYSRUYVE" },
    { "Asia",
      "AEAFAMAZBDBHBNBTCNGEHKIDILINIQIRJOJPKGKHKPKRKWKZLALBLKMMMNMOMVMYNPOMPHPKPSQASASGSYTHTJTLTM"
      "TRTWUZVNYE" },
    { "Africa",
      "AOBFBIBJBWCDCFCGCICMCVDJDZEGEHERETGAGHGMGNGQGWKEKMLRLSLYMAMGMLMRMUMWMZNANENGRERWSCSDSH"
      "SLSNSOSSSTSZTDTGTNTZUGYTZAZMZW" },
    { "Oceania", "ASAUCKFJFMGUKIMHMPNCNFNRNUNZPFPGPNPWSBTKTOTVVUWFWS" },
};

const char *region_countries(const char *name)
{
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
        if (gpu_name_matches(regions[i].name, name))
            return regions[i].countries;
    }
    return NULL;
}

const char *region_continent(const char country[static 2])
{
    for (size_t i = 1; i < sizeof regions / sizeof regions[0]; i++) {
        for (const char *at = regions[i].countries; *at != '\0'; at += 2)
            if (memcmp(at, country, 2) == 0)
                return regions[i].name;
    }
    return "";
}
