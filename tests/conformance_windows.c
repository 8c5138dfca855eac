#include "conformance.h"

#include <winsock2.h>
#include <windows.h>

const char *conformance_system(const char *as)
{
    if (as != NULL) {
        return NULL;
    }
    HMODULE ntdll = GetModuleHandleA("ntdll.dll");
    bool wine = ntdll != NULL && GetProcAddress(ntdll, "wine_get_version") != NULL;
    return wine ? "wine" : "windows";
}

void conformance_begin(void)
{
}

void conformance_end(void)
{
}
