//! Which stock module provides a directive: for the remedy when a configuration uses one whose
//! module is not loaded. The names are those of Apache 2.4's own modules; `explain` asks.

/// A stock module and its directives, in the order of the alphabet.
pub(super) struct Stock {
    /// The module's name without `_module`.
    pub(super) symbol: &'static str,
    /// The name of its shared object without `.so`.
    pub(super) file: &'static str,
    /// Its directives, separated by white space.
    pub(super) directives: &'static str,
}

/// Directives that only some process models have: their names, separated by white space, and the
/// models, the one to be named first in front.
pub(super) static OF_MPMS: &[(&str, &[&str])] = &[
    ("MinSpareServers MaxSpareServers", &["prefork"]),
    (
        "MinSpareThreads MaxSpareThreads ThreadLimit ThreadsPerChild",
        &["event", "worker"],
    ),
    ("AsyncRequestWorkerFactor", &["event"]),
];

/// All stock modules that provide directives and are not built into the server.
pub(super) static STOCK: &[Stock] = &[
    Stock {
        symbol: "access_compat",
        file: "mod_access_compat",
        directives: "allow deny order Satisfy",
    },
    Stock {
        symbol: "actions",
        file: "mod_actions",
        directives: "Action Script",
    },
    Stock {
        symbol: "alias",
        file: "mod_alias",
        directives: "Alias AliasMatch AliasPreservePath Redirect RedirectMatch RedirectPermanent \
            RedirectRelative RedirectTemp ScriptAlias ScriptAliasMatch",
    },
    Stock {
        symbol: "allowmethods",
        file: "mod_allowmethods",
        directives: "AllowMethods",
    },
    Stock {
        symbol: "auth_basic",
        file: "mod_auth_basic",
        directives: "AuthBasicAuthoritative AuthBasicFake AuthBasicProvider AuthBasicUseDigestAlgorithm",
    },
    Stock {
        symbol: "auth_digest",
        file: "mod_auth_digest",
        directives: "AuthDigestAlgorithm AuthDigestDomain AuthDigestNcCheck AuthDigestNonceLifetime \
            AuthDigestProvider AuthDigestQop AuthDigestShmemSize",
    },
    Stock {
        symbol: "auth_form",
        file: "mod_auth_form",
        directives: "AuthFormAuthoritative AuthFormBody AuthFormDisableNoStore AuthFormFakeBasicAuth \
            AuthFormLocation AuthFormLoginRequiredLocation AuthFormLoginSuccessLocation \
            AuthFormLogoutLocation AuthFormMethod AuthFormMimetype AuthFormPassword \
            AuthFormProvider AuthFormSitePassphrase AuthFormSize AuthFormUsername",
    },
    Stock {
        symbol: "authn_anon",
        file: "mod_authn_anon",
        directives: "Anonymous Anonymous_LogEmail Anonymous_MustGiveEmail Anonymous_NoUserId \
            Anonymous_VerifyEmail",
    },
    Stock {
        symbol: "authn_core",
        file: "mod_authn_core",
        directives: "<AuthnProviderAlias AuthName AuthType",
    },
    Stock {
        symbol: "authn_dbd",
        file: "mod_authn_dbd",
        directives: "AuthDBDUserPWQuery AuthDBDUserRealmQuery",
    },
    Stock {
        symbol: "authn_dbm",
        file: "mod_authn_dbm",
        directives: "AuthDBMType AuthDBMUserFile",
    },
    Stock {
        symbol: "authn_file",
        file: "mod_authn_file",
        directives: "AuthUserFile",
    },
    Stock {
        symbol: "authn_socache",
        file: "mod_authn_socache",
        directives: "AuthnCacheContext AuthnCacheEnable AuthnCacheProvideFor AuthnCacheSOCache \
            AuthnCacheTimeout",
    },
    Stock {
        symbol: "authnz_fcgi",
        file: "mod_authnz_fcgi",
        directives: "AuthnzFcgiCheckAuthnProvider AuthnzFcgiDefineProvider",
    },
    Stock {
        symbol: "authnz_ldap",
        file: "mod_authnz_ldap",
        directives: "AuthLDAPAuthorizePrefix AuthLDAPBindAuthoritative AuthLDAPBindDN \
            AuthLDAPBindPassword AuthLDAPCharsetConfig AuthLDAPCompareAsUser \
            AuthLDAPCompareDNOnServer AuthLDAPDereferenceAliases AuthLDAPGroupAttribute \
            AuthLDAPGroupAttributeIsDN AuthLDAPInitialBindAsUser AuthLDAPInitialBindPattern \
            AuthLDAPMaxSubGroupDepth AuthLDAPRemoteUserAttribute AuthLDAPRemoteUserIsDN \
            AuthLDAPSearchAsUser AuthLDAPSubGroupAttribute AuthLDAPSubGroupClass AuthLDAPURL",
    },
    Stock {
        symbol: "authz_core",
        file: "mod_authz_core",
        directives: "<AuthzProviderAlias <RequireAll <RequireAny <RequireNone AuthMerging \
            AuthzSendForbiddenOnFailure Require",
    },
    Stock {
        symbol: "authz_dbd",
        file: "mod_authz_dbd",
        directives: "AuthzDBDLoginToReferer AuthzDBDQuery AuthzDBDRedirectQuery",
    },
    Stock {
        symbol: "authz_dbm",
        file: "mod_authz_dbm",
        directives: "AuthDBMGroupFile AuthzDBMType",
    },
    Stock {
        symbol: "authz_groupfile",
        file: "mod_authz_groupfile",
        directives: "AuthGroupFile",
    },
    Stock {
        symbol: "autoindex",
        file: "mod_autoindex",
        directives: "AddAlt AddAltByEncoding AddAltByType AddDescription AddIcon AddIconByEncoding \
            AddIconByType DefaultIcon FancyIndexing HeaderName IndexHeadInsert IndexIgnore \
            IndexIgnoreReset IndexOptions IndexOrderDefault IndexStyleSheet ReadmeName",
    },
    Stock {
        symbol: "brotli",
        file: "mod_brotli",
        directives: "BrotliAlterETag BrotliCompressionMaxInputBlock BrotliCompressionQuality \
            BrotliCompressionWindow BrotliFilterNote",
    },
    Stock {
        symbol: "buffer",
        file: "mod_buffer",
        directives: "BufferSize",
    },
    Stock {
        symbol: "cache",
        file: "mod_cache",
        directives: "CacheDefaultExpire CacheDetailHeader CacheDisable CacheEnable CacheHeader \
            CacheIgnoreCacheControl CacheIgnoreHeaders CacheIgnoreNoLastMod \
            CacheIgnoreQueryString CacheIgnoreURLSessionIdentifiers CacheKeyBaseURL \
            CacheLastModifiedFactor CacheLock CacheLockMaxAge CacheLockPath CacheMaxExpire \
            CacheMinExpire CacheQuickHandler CacheStaleOnError CacheStoreExpired \
            CacheStoreNoStore CacheStorePrivate",
    },
    Stock {
        symbol: "cache_disk",
        file: "mod_cache_disk",
        directives: "CacheDirLength CacheDirLevels CacheMaxFileSize CacheMinFileSize CacheReadSize \
            CacheReadTime CacheRoot",
    },
    Stock {
        symbol: "cache_socache",
        file: "mod_cache_socache",
        directives: "CacheSocache CacheSocacheMaxSize CacheSocacheMaxTime CacheSocacheMinTime \
            CacheSocacheReadSize CacheSocacheReadTime",
    },
    Stock {
        symbol: "cern_meta",
        file: "mod_cern_meta",
        directives: "MetaDir MetaFiles MetaSuffix",
    },
    Stock {
        symbol: "cgi",
        file: "mod_cgi",
        directives: "CGIScriptTimeout ScriptLog ScriptLogBuffer ScriptLogLength",
    },
    Stock {
        symbol: "cgid",
        file: "mod_cgid",
        directives: "CGIDScriptTimeout ScriptLog ScriptLogBuffer ScriptLogLength ScriptSock",
    },
    Stock {
        symbol: "charset_lite",
        file: "mod_charset_lite",
        directives: "CharsetDefault CharsetOptions CharsetSourceEnc",
    },
    Stock {
        symbol: "dav",
        file: "mod_dav",
        directives: "DAV DAVBasePath DAVDepthInfinity DAVLockDiscovery DAVMinTimeout",
    },
    Stock {
        symbol: "dav_fs",
        file: "mod_dav_fs",
        directives: "DAVLockDB",
    },
    Stock {
        symbol: "dav_lock",
        file: "mod_dav_lock",
        directives: "DAVGenericLockDB",
    },
    Stock {
        symbol: "dbd",
        file: "mod_dbd",
        directives: "DBDExptime DBDInitSQL DBDKeep DBDMax DBDMin DBDParams DBDPersist DBDPrepareSQL \
            DBDriver",
    },
    Stock {
        symbol: "deflate",
        file: "mod_deflate",
        directives: "DeflateAlterEtag DeflateBufferSize DeflateCompressionLevel DeflateFilterNote \
            DeflateInflateLimitRequestBody DeflateInflateRatioBurst DeflateInflateRatioLimit \
            DeflateMemLevel DeflateWindowSize",
    },
    Stock {
        symbol: "dialup",
        file: "mod_dialup",
        directives: "ModemStandard",
    },
    Stock {
        symbol: "dir",
        file: "mod_dir",
        directives: "DirectoryCheckHandler DirectoryIndex DirectoryIndexRedirect DirectorySlash \
            FallbackResource",
    },
    Stock {
        symbol: "dumpio",
        file: "mod_dumpio",
        directives: "DumpIOInput DumpIOOutput",
    },
    Stock {
        symbol: "echo",
        file: "mod_echo",
        directives: "ProtocolEcho",
    },
    Stock {
        symbol: "env",
        file: "mod_env",
        directives: "PassEnv SetEnv UnsetEnv",
    },
    Stock {
        symbol: "expires",
        file: "mod_expires",
        directives: "ExpiresActive ExpiresByType ExpiresDefault",
    },
    Stock {
        symbol: "ext_filter",
        file: "mod_ext_filter",
        directives: "ExtFilterDefine ExtFilterOptions",
    },
    Stock {
        symbol: "file_cache",
        file: "mod_file_cache",
        directives: "cachefile mmapfile",
    },
    Stock {
        symbol: "filter",
        file: "mod_filter",
        directives: "AddOutputFilterByType FilterChain FilterDeclare FilterProtocol FilterProvider \
            FilterTrace",
    },
    Stock {
        symbol: "headers",
        file: "mod_headers",
        directives: "Header RequestHeader",
    },
    Stock {
        symbol: "heartbeat",
        file: "mod_heartbeat",
        directives: "HeartbeatAddress",
    },
    Stock {
        symbol: "heartmonitor",
        file: "mod_heartmonitor",
        directives: "HeartbeatListen HeartbeatMaxServers HeartbeatStorage",
    },
    Stock {
        symbol: "http2",
        file: "mod_http2",
        directives: "H2CopyFiles H2Direct H2EarlyHint H2EarlyHints H2MaxDataFrameLen H2MaxHeaderBlockLen \
            H2MaxSessionStreams H2MaxStreamErrors H2MaxWorkerIdleSeconds H2MaxWorkers \
            H2MinWorkers H2ModernTLSOnly H2OutputBuffering H2Padding H2ProxyRequests H2Push \
            H2PushDiarySize H2PushPriority H2PushResource H2SerializeHeaders H2SessionExtraFiles \
            H2StreamMaxMemSize H2StreamTimeout H2TLSCoolDownSecs H2TLSWarmUpSize H2Upgrade \
            H2WebSockets H2WindowSize",
    },
    Stock {
        symbol: "ident",
        file: "mod_ident",
        directives: "IdentityCheck IdentityCheckTimeout",
    },
    Stock {
        symbol: "imagemap",
        file: "mod_imagemap",
        directives: "ImapBase ImapDefault ImapMenu",
    },
    Stock {
        symbol: "include",
        file: "mod_include",
        directives: "SSIEndTag SSIErrorMsg SSIEtag SSILastModified SSILegacyExprParser SSIStartTag \
            SSITimeFormat SSIUndefinedEcho XBitHack",
    },
    Stock {
        symbol: "info",
        file: "mod_info",
        directives: "AddModuleInfo",
    },
    Stock {
        symbol: "lbmethod_heartbeat",
        file: "mod_lbmethod_heartbeat",
        directives: "HeartbeatStorage",
    },
    Stock {
        symbol: "log_debug",
        file: "mod_log_debug",
        directives: "LogMessage",
    },
    Stock {
        symbol: "log_forensic",
        file: "mod_log_forensic",
        directives: "ForensicLog",
    },
    Stock {
        symbol: "lua",
        file: "mod_lua",
        directives: "<LuaHookAccessChecker <LuaHookAuthChecker <LuaHookCheckUserID <LuaHookFixups \
            <LuaHookMapToStorage <LuaHookPreTranslateName <LuaHookTranslateName \
            <LuaHookTypeChecker <LuaQuickHandler Lua_____ByteCodeHack LuaAuthzProvider \
            LuaCodeCache LuaHookAccessChecker LuaHookAuthChecker LuaHookCheckUserID \
            LuaHookFixups LuaHookInsertFilter LuaHookLog LuaHookMapToStorage \
            LuaHookPreTranslateName LuaHookTranslateName LuaHookTypeChecker LuaInherit \
            LuaInputFilter LuaMapHandler LuaOutputFilter LuaPackageCPath LuaPackagePath \
            LuaQuickHandler LuaRoot LuaScope",
    },
    Stock {
        symbol: "macro",
        file: "mod_macro",
        directives: "<Macro MacroIgnoreBadNesting MacroIgnoreEmptyArgs UndefMacro Use",
    },
    Stock {
        symbol: "md",
        file: "mod_md",
        directives: "<MDomain <MDomainSet MDActivationDelay MDBaseServer MDCACertificateFile \
            MDCAChallenges MDCertificateAgreement MDCertificateAuthority MDCertificateCheck \
            MDCertificateFile MDCertificateKeyFile MDCertificateProtocol MDCertificateStatus \
            MDChallengeDns01 MDChallengeDns01Version MDCheckInterval MDContactEmail MDDriveMode \
            MDExternalAccountBinding MDHttpProxy MDHttpProxyCACertificateFile MDInitialDelay \
            MDMatchNames MDMember MDMembers MDMessageCmd MDMustStaple MDNotifyCmd MDomain \
            MDPortMap MDPrivateKeys MDProfile MDProfileMandatory MDRenewMode MDRenewViaARI \
            MDRenewWindow MDRequireHttps MDRetryDelay MDRetryFailover MDServerStatus \
            MDStapleOthers MDStapling MDStaplingKeepResponse MDStaplingRenewWindow MDStoreDir \
            MDStoreLocks MDWarnWindow",
    },
    Stock {
        symbol: "mime",
        file: "mod_mime",
        directives: "AddCharset AddEncoding AddHandler AddInputFilter AddLanguage AddOutputFilter AddType \
            DefaultLanguage ModMimeUsePathInfo MultiviewsMatch RemoveCharset RemoveEncoding \
            RemoveHandler RemoveInputFilter RemoveLanguage RemoveOutputFilter RemoveType \
            TypesConfig",
    },
    Stock {
        symbol: "mime_magic",
        file: "mod_mime_magic",
        directives: "MimeMagicFile",
    },
    Stock {
        symbol: "negotiation",
        file: "mod_negotiation",
        directives: "CacheNegotiatedDocs ForceLanguagePriority LanguagePriority",
    },
    Stock {
        symbol: "proxy",
        file: "mod_proxy",
        directives: "<Proxy <ProxyMatch BalancerGrowth BalancerInherit BalancerMember BalancerPersist \
            NoProxy Proxy100Continue ProxyAddHeaders ProxyBadHeader ProxyBlock ProxyDomain \
            ProxyErrorOverride ProxyIOBufferSize ProxyMaxForwards ProxyPass ProxyPassInherit \
            ProxyPassInterpolateEnv ProxyPassMatch ProxyPassReverse ProxyPassReverseCookieDomain \
            ProxyPassReverseCookiePath ProxyPreserveHost ProxyReceiveBufferSize ProxyRemote \
            ProxyRemoteMatch ProxyRequests ProxySet ProxySourceAddress ProxyStatus ProxyTimeout \
            ProxyVia",
    },
    Stock {
        symbol: "proxy_connect",
        file: "mod_proxy_connect",
        directives: "AllowCONNECT",
    },
    Stock {
        symbol: "proxy_express",
        file: "mod_proxy_express",
        directives: "ProxyExpressDBMFile ProxyExpressDBMType ProxyExpressEnable",
    },
    Stock {
        symbol: "proxy_fcgi",
        file: "mod_proxy_fcgi",
        directives: "ProxyFCGIBackendType ProxyFCGISetEnvIf",
    },
    Stock {
        symbol: "proxy_ftp",
        file: "mod_proxy_ftp",
        directives: "ProxyFtpDirCharset ProxyFtpEscapeWildcards ProxyFtpListOnWildcard",
    },
    Stock {
        symbol: "proxy_hcheck",
        file: "mod_proxy_hcheck",
        directives: "ProxyHCExpr ProxyHCTemplate ProxyHCTPsize",
    },
    Stock {
        symbol: "proxy_html",
        file: "mod_proxy_html",
        directives: "ProxyHTMLBufSize ProxyHTMLCharsetOut ProxyHTMLDoctype ProxyHTMLEnable \
            ProxyHTMLEvents ProxyHTMLExtended ProxyHTMLFixups ProxyHTMLInterp ProxyHTMLLinks \
            ProxyHTMLMeta ProxyHTMLStripComments ProxyHTMLURLMap",
    },
    Stock {
        symbol: "proxy_scgi",
        file: "mod_proxy_scgi",
        directives: "ProxySCGIInternalRedirect ProxySCGISendfile",
    },
    Stock {
        symbol: "proxy_wstunnel",
        file: "mod_proxy_wstunnel",
        directives: "ProxyWebsocketFallbackToProxyHttp",
    },
    Stock {
        symbol: "reflector",
        file: "mod_reflector",
        directives: "ReflectorHeader",
    },
    Stock {
        symbol: "remoteip",
        file: "mod_remoteip",
        directives: "RemoteIPHeader RemoteIPInternalProxy RemoteIPInternalProxyList RemoteIPProxiesHeader \
            RemoteIPProxyProtocol RemoteIPProxyProtocolExceptions RemoteIPTrustedProxy \
            RemoteIPTrustedProxyList",
    },
    Stock {
        symbol: "reqtimeout",
        file: "mod_reqtimeout",
        directives: "RequestReadTimeout",
    },
    Stock {
        symbol: "request",
        file: "mod_request",
        directives: "KeptBodySize",
    },
    Stock {
        symbol: "rewrite",
        file: "mod_rewrite",
        directives: "RewriteBase RewriteCond RewriteEngine RewriteMap RewriteOptions RewriteRule",
    },
    Stock {
        symbol: "sed",
        file: "mod_sed",
        directives: "InputSed OutputSed",
    },
    Stock {
        symbol: "session",
        file: "mod_session",
        directives: "Session SessionEnv SessionExclude SessionExpiryUpdateInterval SessionHeader \
            SessionInclude SessionMaxAge",
    },
    Stock {
        symbol: "session_cookie",
        file: "mod_session_cookie",
        directives: "SessionCookieName SessionCookieName2 SessionCookieRemove",
    },
    Stock {
        symbol: "session_crypto",
        file: "mod_session_crypto",
        directives: "SessionCryptoCipher SessionCryptoDriver SessionCryptoPassphrase \
            SessionCryptoPassphraseFile",
    },
    Stock {
        symbol: "session_dbd",
        file: "mod_session_dbd",
        directives: "SessionDBDCookieName SessionDBDCookieName2 SessionDBDCookieRemove \
            SessionDBDDeleteLabel SessionDBDInsertLabel SessionDBDPerUser SessionDBDSelectLabel \
            SessionDBDUpdateLabel",
    },
    Stock {
        symbol: "setenvif",
        file: "mod_setenvif",
        directives: "BrowserMatch BrowserMatchNoCase SetEnvIf SetEnvIfExpr SetEnvIfNoCase",
    },
    Stock {
        symbol: "socache_memcache",
        file: "mod_socache_memcache",
        directives: "MemcacheConnTTL",
    },
    Stock {
        symbol: "socache_redis",
        file: "mod_socache_redis",
        directives: "RedisConnPoolTTL RedisTimeout",
    },
    Stock {
        symbol: "speling",
        file: "mod_speling",
        directives: "CheckBasenameMatch CheckCaseOnly CheckSpelling",
    },
    Stock {
        symbol: "ssl",
        file: "mod_ssl",
        directives: "SSLCACertificateFile SSLCACertificatePath SSLCADNRequestFile SSLCADNRequestPath \
            SSLCARevocationCheck SSLCARevocationFile SSLCARevocationPath SSLCertificateChainFile \
            SSLCertificateFile SSLCertificateKeyFile SSLCipherSuite SSLCompression \
            SSLCryptoDevice SSLEngine SSLFIPS SSLHonorCipherOrder SSLInsecureRenegotiation \
            SSLLog SSLLogLevel SSLOCSPDefaultResponder SSLOCSPEnable SSLOCSPNoVerify \
            SSLOCSPOverrideResponder SSLOCSPProxyURL SSLOCSPResponderCertificateFile \
            SSLOCSPResponderTimeout SSLOCSPResponseMaxAge SSLOCSPResponseTimeSkew \
            SSLOCSPUseRequestNonce SSLOpenSSLConfCmd SSLOptions SSLPassPhraseDialog SSLProtocol \
            SSLProxyCACertificateFile SSLProxyCACertificatePath SSLProxyCARevocationCheck \
            SSLProxyCARevocationFile SSLProxyCARevocationPath SSLProxyCheckPeerCN \
            SSLProxyCheckPeerExpire SSLProxyCheckPeerName SSLProxyCipherSuite SSLProxyEngine \
            SSLProxyMachineCertificateChainFile SSLProxyMachineCertificateFile \
            SSLProxyMachineCertificatePath SSLProxyProtocol SSLProxyVerify SSLProxyVerifyDepth \
            SSLRandomSeed SSLRenegBufferSize SSLRequire SSLRequireSSL SSLSessionCache \
            SSLSessionCacheTimeout SSLSessionTicketKeyFile SSLSessionTickets \
            SSLSRPUnknownUserSeed SSLSRPVerifierFile SSLStaplingCache \
            SSLStaplingErrorCacheTimeout SSLStaplingFakeTryLater SSLStaplingForceURL \
            SSLStaplingResponderTimeout SSLStaplingResponseMaxAge SSLStaplingResponseTimeSkew \
            SSLStaplingReturnResponderErrors SSLStaplingStandardCacheTimeout \
            SSLStrictSNIVHostCheck SSLUserName SSLUseStapling SSLVerifyClient SSLVerifyDepth \
            SSLVHostSNIPolicy",
    },
    Stock {
        symbol: "substitute",
        file: "mod_substitute",
        directives: "Substitute SubstituteInheritBefore SubstituteMaxLineLength",
    },
    Stock {
        symbol: "suexec",
        file: "mod_suexec",
        directives: "SuexecUserGroup",
    },
    Stock {
        symbol: "userdir",
        file: "mod_userdir",
        directives: "UserDir",
    },
    Stock {
        symbol: "usertrack",
        file: "mod_usertrack",
        directives: "CookieDomain CookieExpires CookieHttpOnly CookieName CookieSameSite CookieSecure \
            CookieStyle CookieTracking",
    },
    Stock {
        symbol: "vhost_alias",
        file: "mod_vhost_alias",
        directives: "VirtualDocumentRoot VirtualDocumentRootIP VirtualScriptAlias VirtualScriptAliasIP",
    },
    Stock {
        symbol: "xml2enc",
        file: "mod_xml2enc",
        directives: "xml2EncAlias xml2EncDefault xml2StartParse",
    },
    Stock {
        symbol: "ldap",
        file: "mod_ldap",
        directives: "LDAPCacheEntries LDAPCacheTTL LDAPConnectionPoolTTL LDAPConnectionTimeout \
            LDAPLibraryDebug LDAPOpCacheEntries LDAPOpCacheTTL LDAPReferralHopLimit \
            LDAPReferrals LDAPRetries LDAPRetryDelay LDAPSharedCacheFile LDAPSharedCacheSize \
            LDAPTimeout LDAPTrustedClientCert LDAPTrustedGlobalCert LDAPTrustedMode \
            LDAPVerifyServerCert",
    },
];
