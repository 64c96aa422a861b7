# How makefiles that were made for Apache's build directory compile and link modules. They set
# top_builddir, and builddir to where they are; modules.mk there may set the MOD_ variables.

include $(top_builddir)/build/config_vars.mk

# From the most particular to the most general: compilers let the last of two flags win, so what
# was asked for with NOTEST_ or on make's command line comes behind what the installation says.
ALL_CFLAGS   = $(MOD_CFLAGS) $(EXTRA_CFLAGS) $(NOTEST_CFLAGS) $(CFLAGS)
ALL_CXXFLAGS = $(MOD_CXXFLAGS) $(EXTRA_CXXFLAGS) $(NOTEST_CXXFLAGS) $(CXXFLAGS)
ALL_CPPFLAGS = $(DEFS) $(INTERNAL_CPPFLAGS) $(MOD_CPPFLAGS) $(EXTRA_CPPFLAGS) $(NOTEST_CPPFLAGS) $(CPPFLAGS)
ALL_LDFLAGS  = $(MOD_LDFLAGS) $(EXTRA_LDFLAGS) $(NOTEST_LDFLAGS) $(LDFLAGS)
ALL_LIBS     = $(MOD_LIBS) $(EXTRA_LIBS) $(NOTEST_LIBS) $(LIBS)
ALL_INCLUDES = $(MOD_INCLUDES) $(INCLUDES) $(EXTRA_INCLUDES)

BASE_CC  = $(CC) $(ALL_CFLAGS) $(ALL_CPPFLAGS) $(ALL_INCLUDES)
BASE_CXX = $(CXX) $(ALL_CXXFLAGS) $(ALL_CPPFLAGS) $(ALL_INCLUDES)

COMPILE        = $(BASE_CC) $(PICFLAGS)
CXX_COMPILE    = $(BASE_CXX) $(PICFLAGS)
SH_COMPILE     = $(LIBTOOL) --mode=compile --tag=disable-static $(BASE_CC) $(SHLTCFLAGS) -c $< && touch $@
SH_CXX_COMPILE = $(LIBTOOL) --mode=compile --tag=disable-static $(BASE_CXX) $(SHLTCFLAGS) -c $< && touch $@
LT_COMPILE     = $(LIBTOOL) --mode=compile --tag=CC $(COMPILE) $(LTCFLAGS) -c $< && touch $@
LT_CXX_COMPILE = $(LIBTOOL) --mode=compile --tag=CXX $(CXX_COMPILE) $(LTCFLAGS) -c $< && touch $@

LINK     = $(LIBTOOL) --mode=link --tag=CC $(CC) $(ALL_CFLAGS) $(PILDFLAGS) $(LT_LDFLAGS) $(ALL_LDFLAGS) -o $@
SH_LINK  = $(SH_LIBTOOL) --mode=link --tag=disable-static $(CC) $(ALL_CFLAGS) $(LT_LDFLAGS) $(ALL_LDFLAGS) $(SH_LDFLAGS) $(SH_LIBS) -o $@
MOD_LINK = $(LIBTOOL) --mode=link --tag=CC $(CC) $(ALL_CFLAGS) -static $(LT_LDFLAGS) $(ALL_LDFLAGS) -o $@

INSTALL_DATA    = $(INSTALL) -m 644
INSTALL_PROGRAM = $(INSTALL) -m 755 $(INSTALL_PROG_FLAGS)

.SUFFIXES:
.SUFFIXES: .c .cpp .cc .cxx .lo .o .slo

.c.o:
	$(COMPILE) -c $<
.cpp.o .cc.o .cxx.o:
	$(CXX_COMPILE) -c $<
.c.lo:
	$(LT_COMPILE)
.cpp.lo .cc.lo .cxx.lo:
	$(LT_CXX_COMPILE)
.c.slo:
	$(SH_COMPILE)
.cpp.slo .cc.slo .cxx.slo:
	$(SH_CXX_COMPILE)

all-recursive local-all: $(TARGETS) $(SHARED_TARGETS)
local-shared-build shared-build: $(SHARED_TARGETS)
install-recursive local-install: $(TARGETS) $(SHARED_TARGETS) $(INSTALL_TARGETS)

# Makefiles that have a rule of their own for clean keep it: these are prerequisites only.
local-clean:
	rm -rf *.o *.lo *.slo *.la .libs
local-distclean: local-clean
	rm -f $(DISTCLEAN_TARGETS) .deps

.PHONY: all all-recursive local-all local-shared-build shared-build install install-recursive \
	local-install local-clean local-distclean
