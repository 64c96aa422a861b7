/* ap_mmn.h: the number of the module ABI.
 *
 * A module binary carries the numbers it was compiled with. The major number must be equal, or the
 * module is not loaded; the minor number grows with every addition, so a binary which was compiled
 * with a larger one may want something the server does not have.
 */

#ifndef APACHE_AP_MMN_H
#define APACHE_AP_MMN_H

/* "AP24": tells a module structure from anything else a symbol may point to. */
#define MODULE_MAGIC_COOKIE 0x41503234UL

#ifndef MODULE_MAGIC_NUMBER_MAJOR
#define MODULE_MAGIC_NUMBER_MAJOR 20120211
#endif
#define MODULE_MAGIC_NUMBER_MINOR 142

/* For sources that use a newer function where there is one. */
#define AP_MODULE_MAGIC_AT_LEAST(major, minor)                                                     \
    (MODULE_MAGIC_NUMBER_MAJOR > (major) ||                                                        \
     (MODULE_MAGIC_NUMBER_MAJOR == (major) && MODULE_MAGIC_NUMBER_MINOR >= (minor)))

/* Names from before 2.0: the second stops a source that still uses it. */
#define MODULE_MAGIC_NUMBER   MODULE_MAGIC_NUMBER_MAJOR
#define MODULE_MAGIC_AT_LEAST old_broken_macro_we_hope_you_are_not_using

#endif
