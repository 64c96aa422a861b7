# For directories of modules: builddir/modules.mk names them in `static` and `shared` and says how
# each is linked, this adds targets that build and install them.

all: all-recursive

include $(builddir)/modules.mk

TARGETS = $(static)
SHARED_TARGETS = $(shared)
INSTALL_TARGETS = install-modules-$(INSTALL_DSO)

include $(top_builddir)/build/rules.mk

install-modules-yes: $(SHARED_TARGETS)
	$(MKINSTALLDIRS) $(DESTDIR)$(libexecdir)
	for module in $(shared); do \
	    $(top_builddir)/build/instdso.sh SH_LIBTOOL='$(SH_LIBTOOL)' $$module $(DESTDIR)$(libexecdir) || exit; \
	done

install-modules-no:

.PHONY: install-modules-yes install-modules-no
