/* ap_listen.h: the sockets the server listens on. */

#ifndef AP_LISTEN_H
#define AP_LISTEN_H

#include "apr_network_io.h"
#include "httpd.h"
#include "http_config.h"
#include "apr_optional.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ap_slave_t ap_slave_t;
typedef struct ap_listen_rec ap_listen_rec;

/* Accepts a connection: the socket in *csd, from pool ptrans. */
typedef apr_status_t (*accept_function)(void **csd, ap_listen_rec *lr, apr_pool_t *ptrans);

/* One listening socket. Kept over restarts if the new configuration wants the same address. */
struct ap_listen_rec {
    ap_listen_rec *next;
    /* NULL until it is open. */
    apr_socket_t *sd;
    apr_sockaddr_t *bind_addr;
    /* Set by the MPM. */
    accept_function accept_func;
    /* The next configuration still wants it. */
    int active;
    /* Listen's second argument, or that of the port. */
    const char *protocol;
    /* The directive it came from. */
    ap_slave_t *slave;
};

/* All of them; groups of sockets for the same addresses (ListenCoresBucketsRatio) and whether the
 * system can have them.
 */
AP_DECLARE_DATA extern ap_listen_rec *ap_listeners;
AP_DECLARE_DATA extern int ap_num_listen_buckets;
AP_DECLARE_DATA extern int ap_have_so_reuseport;

/* Steps of the start, in the MPM: forget defaults; open what Listen names, returning how many there
 * are (0: failure); make the groups.
 */
AP_DECLARE(void) ap_listen_pre_config(void);
AP_DECLARE(int) ap_setup_listeners(server_rec *s);
AP_DECLARE(apr_status_t) ap_duplicate_listeners(apr_pool_t *p, server_rec *s,
                                                ap_listen_rec ***buckets, int *num_buckets);
/* Close all, one group, those of one directive. */
AP_DECLARE_NONSTD(void) ap_close_listeners(void);
AP_DECLARE_NONSTD(void) ap_close_listeners_ex(ap_listen_rec *listeners);
AP_DECLARE_NONSTD(int) ap_close_selected_listeners(ap_slave_t *);

/* Functions of the directives, and their entries for the MPM's table. */
AP_DECLARE_NONSTD(const char *) ap_set_listenbacklog(cmd_parms *cmd, void *dummy, const char *arg);
AP_DECLARE_NONSTD(const char *) ap_set_listentcpdeferaccept(cmd_parms *cmd, void *dummy,
        const char *arg);
AP_DECLARE_NONSTD(const char *) ap_set_listencbratio(cmd_parms *cmd, void *dummy, const char *arg);
AP_DECLARE_NONSTD(const char *) ap_set_listener(cmd_parms *cmd, void *dummy, int argc,
                                                char *const argv[]);
AP_DECLARE_NONSTD(const char *) ap_set_send_buffer_size(cmd_parms *cmd, void *dummy,
                                                        const char *arg);
AP_DECLARE_NONSTD(const char *) ap_set_receive_buffer_size(cmd_parms *cmd, void *dummy,
                                                           const char *arg);
#define LISTEN_COMMANDS                                                                            \
    AP_INIT_TAKE1("ListenBacklog", ap_set_listenbacklog, NULL, RSRC_CONF,                          \
                  "Most connections the system queues until they are accepted"),                   \
    AP_INIT_TAKE1("ListenCoresBucketsRatio", ap_set_listencbratio, NULL, RSRC_CONF,                \
                  "Processors for each group of listening sockets; 0: one group"),                 \
    AP_INIT_TAKE_ARGV("Listen", ap_set_listener, NULL, RSRC_CONF,                                  \
                      "[address:]port [protocol]"),                                                \
    AP_INIT_TAKE1("SendBufferSize", ap_set_send_buffer_size, NULL, RSRC_CONF,                      \
                  "Bytes of a socket's send buffer; 0: the system's default"),                     \
    AP_INIT_TAKE1("ReceiveBufferSize", ap_set_receive_buffer_size, NULL, RSRC_CONF,                \
                  "Bytes of a socket's receive buffer; 0: the system's default"),                  \
    AP_INIT_TAKE1("ListenTCPDeferAccept", ap_set_listentcpdeferaccept, NULL, RSRC_CONF,            \
                  "Seconds to wait for data before a connection is announced")

/* Sockets that systemd hands over. */
#ifdef HAVE_SYSTEMD
APR_DECLARE_OPTIONAL_FN(int, ap_find_systemd_socket, (process_rec *, apr_port_t));
APR_DECLARE_OPTIONAL_FN(int, ap_systemd_listen_fds, (int));
#endif

#ifdef __cplusplus
}
#endif

#endif
