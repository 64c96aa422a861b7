<?php
header('Content-Type: text/plain');
require_once __DIR__ . '/included.inc';
$status = opcache_get_status();
var_dump(INCLUDED, $status['opcache_enabled'], opcache_is_script_cached(__FILE__), opcache_is_script_cached(__DIR__ . '/included.inc'));
