/* util_cfgtree.h: the configuration as a tree of directives. */

#ifndef AP_CONFTREE_H
#define AP_CONFTREE_H

#include "ap_config.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ap_directive_t ap_directive_t;
/* One directive or container. Nodes live in the configuration pool; a module may walk them while a
 * directive's function runs and afterwards.
 */
struct ap_directive_t {
    /* The name; "<Name" for a container. The rest of the line, with quotes, without "<" and ">". */
    const char *directive;
    const char *args;
    struct ap_directive_t *next;
    struct ap_directive_t *first_child;
    struct ap_directive_t *parent;
    /* For the module whose directive it is. */
    void *data;
    /* Where it was read. */
    const char *filename;
    int line_num;
    /* The last sibling, kept in the first one. */
    struct ap_directive_t *last;
};

/* The tree of the main files. */
AP_DECLARE_DATA extern ap_directive_t *ap_conftree;

/* Adds a node behind `current`, or as its child; the new node is returned as the new current one.
 */
ap_directive_t *ap_add_node(ap_directive_t **parent, ap_directive_t *current,
                            ap_directive_t *toadd, int child);

#ifdef __cplusplus
}
#endif

#endif
