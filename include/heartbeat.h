/* heartbeat.h: how busy other servers are, as mod_heartmonitor hears it and mod_lbmethod_heartbeat
 * uses it.
 */

#ifndef HEARTBEAT_H
#define HEARTBEAT_H

#include "apr.h"
#include "apr_time.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MAXIPSIZE 46

/* A server: its address, busy and idle workers, when it was last heard of. */
typedef struct hm_slot_server_t {
    char ip[MAXIPSIZE];
    int busy;
    int ready;
    apr_time_t seen;
    int id;
} hm_slot_server_t;

/* The file with the same, where slot memory is not used. */
#define DEFAULT_HEARTBEAT_STORAGE "hb.dat"

#ifdef __cplusplus
}
#endif

#endif
