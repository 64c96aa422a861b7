<?php
header('Content-Type: text/plain');
foreach (['memory_limit', 'display_errors', 'short_open_tag', 'upload_max_filesize', 'include_path',
    'default_charset', 'max_execution_time', 'user_agent', 'auto_prepend_file', 'session.name'] as $name) {
    echo $name, '=', var_export(ini_get($name), true), "\n";
}
var_dump(ini_set('user_agent', 'changed'), ini_get('user_agent'));
