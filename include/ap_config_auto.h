/* ap_config_auto.h: what this build found on the system and was told to use, as the macros which
 * module sources test. The values are those of Debian's package, whose modules must build alike.
 * Only ap_config.h includes this.
 */

/* ---- Paths and users ---- */

#define HTTPD_ROOT           "/etc/apache2"
#define SERVER_CONFIG_FILE   "apache2.conf"
#define AP_TYPES_CONFIG_FILE "mime.types"
/* For suexec: the program, its log, the tree and the accounts it serves. */
#define SUEXEC_BIN        "/usr/lib/apache2/suexec"
#define AP_LOG_EXEC       "/var/log/apache2/suexec.log"
#define AP_DOC_ROOT       "/var/www"
#define AP_USERDIR_SUFFIX "public_html"
#define AP_HTTPD_USER     "www-data"
#define AP_UID_MIN        100

/* ---- Ways of working ---- */

#define AP_USING_AUTOCONF 1
/* IPv6 sockets take IPv4 connections too; several listeners need a non-blocking accept; with one
 * listener, accept needs no lock.
 */
#define AP_ENABLE_V4_MAPPED               1
#define AP_NONBLOCK_WHEN_MULTI_LISTEN     1
#define SINGLE_LISTEN_UNSERIALIZED_ACCEPT 1
/* How %P and the error log name a thread: g, the kernel's number. */
#define DEFAULT_LOG_TID "g"

/* ---- Libraries ---- */

#define HAVE_PCRE2                                                            1
#define HAVE_CURL                                                             1
#define HAVE_CURL_CURL_H                                                      1
#define HAVE_JANSSON                                                          1
#define HAVE_NGHTTP2                                                          1
#define HAVE_NGHTTP2_NGHTTP2_H                                                1
#define HAVE_NGHTTP2_OPTION_SET_NO_CLOSED_STREAMS                             1
#define HAVE_NGHTTP2_OPTION_SET_NO_RFC9113_LEADING_AND_TRAILING_WS_VALIDATION 1
#define HAVE_NGHTTP2_SESSION_CALLBACKS_SET_ON_INVALID_HEADER_CALLBACK         1
#define HAVE_NGHTTP2_SESSION_CHANGE_STREAM_PRIORITY                           1
#define HAVE_NGHTTP2_SESSION_GET_STREAM_LOCAL_WINDOW_SIZE                     1
#define HAVE_NGHTTP2_SESSION_SERVER_NEW2                                      1
#define HAVE_NGHTTP2_STREAM_GET_WEIGHT                                        1
#define HAVE_OPENSSL                                                          1
#define HAVE_OPENSSL_ENGINE_H                                                 1
#define HAVE_OPENSSL_INIT_SSL                                                 1
#define HAVE_ENGINE_INIT                                                      1
#define HAVE_ENGINE_LOAD_BUILTIN_ENGINES                                      1
#define HAVE_SSL_CTX_NEW                                                      1

/* ---- Headers and functions of the system ---- */

#define STDC_HEADERS        1
#define HAVE_GRP_H          1
#define HAVE_INTTYPES_H     1
#define HAVE_LIMITS_H       1
#define HAVE_PWD_H          1
#define HAVE_STDINT_H       1
#define HAVE_STDIO_H        1
#define HAVE_STDLIB_H       1
#define HAVE_STRINGS_H      1
#define HAVE_STRING_H       1
#define HAVE_SYS_IPC_H      1
#define HAVE_SYS_PRCTL_H    1
#define HAVE_SYS_RESOURCE_H 1
#define HAVE_SYS_SEM_H      1
#define HAVE_SYS_SOCKET_H   1
#define HAVE_SYS_STAT_H     1
#define HAVE_SYS_TIMES_H    1
#define HAVE_SYS_TIME_H     1
#define HAVE_SYS_TYPES_H    1
#define HAVE_SYS_WAIT_H     1
#define HAVE_UNISTD_H       1
#define HAVE_WCHAR_H        1
#define HAVE_ARC4RANDOM_BUF 1
#define HAVE_CRYPT_SHA2     1
#define HAVE_EPOLL_CREATE   1
#define HAVE_FOPEN64        1
#define HAVE_GETGRNAM       1
#define HAVE_GETLOADAVG     1
#define HAVE_GETPGID        1
#define HAVE_GETPWNAM       1
#define HAVE_GETTID         1
#define HAVE_GMTOFF         1
#define HAVE_INITGROUPS     1
#define HAVE_KILLPG         1
#define HAVE_PRCTL          1
#define HAVE_PTHREAD_KILL   1
#define HAVE_SETSID         1
#define HAVE_SYSLOG         1
#define HAVE_TIMEGM         1
#define HAVE_TIMES          1

/* ---- Names of the package, which autoconf demands ---- */

#define PACKAGE_BUGREPORT ""
#define PACKAGE_NAME      ""
#define PACKAGE_STRING    ""
#define PACKAGE_TARNAME   ""
#define PACKAGE_URL       ""
#define PACKAGE_VERSION   ""

/* ---- What the C library shall declare: everything ---- */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#ifndef _ALL_SOURCE
#define _ALL_SOURCE 1
#endif
#ifndef _DARWIN_C_SOURCE
#define _DARWIN_C_SOURCE 1
#endif
#ifndef __EXTENSIONS__
#define __EXTENSIONS__ 1
#endif
#ifndef _HPUX_ALT_XOPEN_SOCKET_API
#define _HPUX_ALT_XOPEN_SOCKET_API 1
#endif
#ifndef _NETBSD_SOURCE
#define _NETBSD_SOURCE 1
#endif
#ifndef _OPENBSD_SOURCE
#define _OPENBSD_SOURCE 1
#endif
#ifndef _POSIX_PTHREAD_SEMANTICS
#define _POSIX_PTHREAD_SEMANTICS 1
#endif
#ifndef __STDC_WANT_IEC_60559_ATTRIBS_EXT__
#define __STDC_WANT_IEC_60559_ATTRIBS_EXT__ 1
#endif
#ifndef __STDC_WANT_IEC_60559_BFP_EXT__
#define __STDC_WANT_IEC_60559_BFP_EXT__ 1
#endif
#ifndef __STDC_WANT_IEC_60559_DFP_EXT__
#define __STDC_WANT_IEC_60559_DFP_EXT__ 1
#endif
#ifndef __STDC_WANT_IEC_60559_FUNCS_EXT__
#define __STDC_WANT_IEC_60559_FUNCS_EXT__ 1
#endif
#ifndef __STDC_WANT_IEC_60559_TYPES_EXT__
#define __STDC_WANT_IEC_60559_TYPES_EXT__ 1
#endif
#ifndef __STDC_WANT_LIB_EXT2__
#define __STDC_WANT_LIB_EXT2__ 1
#endif
#ifndef __STDC_WANT_MATH_SPEC_FUNCS__
#define __STDC_WANT_MATH_SPEC_FUNCS__ 1
#endif
#ifndef _TANDEM_SOURCE
#define _TANDEM_SOURCE 1
#endif
