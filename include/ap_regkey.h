/* ap_regkey.h: the registry of Windows; on other systems there is nothing in it. */

#ifndef AP_REGKEY_H
#define AP_REGKEY_H
#endif
