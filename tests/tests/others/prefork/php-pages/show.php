<?php
header('Content-Type: text/plain');
foreach (['REQUEST_METHOD', 'REQUEST_URI', 'SCRIPT_NAME', 'SCRIPT_FILENAME', 'PATH_INFO',
    'PATH_TRANSLATED', 'QUERY_STRING', 'PHP_SELF', 'DOCUMENT_ROOT', 'SERVER_PROTOCOL', 'SERVER_NAME',
    'SERVER_PORT', 'REMOTE_ADDR', 'REMOTE_USER', 'AUTH_TYPE', 'PHP_AUTH_USER', 'PHP_AUTH_PW',
    'PHP_AUTH_DIGEST', 'HTTP_AUTHORIZATION', 'HTTP_HOST', 'HTTP_X_FIELD', 'CONTENT_TYPE',
    'CONTENT_LENGTH', 'GATEWAY_INTERFACE', 'HTTPS', 'FROM_SETENV', 'REDIRECT_STATUS', 'REDIRECT_URL',
    'CONTEXT_PREFIX', 'SERVER_ADMIN', 'REQUEST_SCHEME'] as $name) {
    echo $name, '=', var_export($_SERVER[$name] ?? null, true), "\n";
}
echo php_sapi_name(), ' ', getcwd(), "\n";
ksort($_GET);
echo json_encode([$_GET, $_POST, $_COOKIE, $argc ?? null]), "\n";
