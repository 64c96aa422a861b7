<?php
header('Content-Type: text/plain');
switch ($_GET['what'] ?? '') {
    case 'headers':
        $headers = apache_request_headers(); ksort($headers); print_r($headers);
        header('X-Own: 1'); print_r(array_keys(apache_response_headers())); break;
    case 'environment':
        var_dump(apache_getenv('FROM_SETENV'), apache_setenv('FROM_PHP', 'value'), apache_getenv('FROM_PHP'),
            apache_getenv('NONE'), getenv('FROM_SETENV'), apache_getenv('SERVER_NAME', true));
        header('X-Environment: set'); break;
    case 'note': var_dump(apache_note('a', 'b'), apache_note('a'), apache_note('a', 'c'), apache_note('a')); break;
    case 'lookup':
        $found = (array) apache_lookup_uri('/plain.txt');
        foreach (['status', 'the_request', 'method', 'content_type', 'uri', 'filename', 'path_info', 'no_cache', 'no_local_copy', 'allowed', 'bytes_sent', 'clength', 'unparsed_uri', 'protocol'] as $name) {
            echo $name, '=', var_export($found[$name] ?? null, true), "\n";
        }
        var_dump(@apache_lookup_uri('/none.txt')->status); break;
    case 'virtual':
        echo "before\n"; var_dump(virtual('/plain.txt')); echo "between\n"; var_dump(virtual('/show.php?inner=1'));
        echo "after\n"; var_dump(@virtual('/none.txt')); var_dump(@virtual('/forbidden/x')); break;
    case 'modules':
        $modules = apache_get_modules(); sort($modules); echo implode("\n", $modules), "\n"; break;
    case 'version': var_dump(strpos(apache_get_version(), 'Apache/2.4') === 0); break;
    case 'terminate': var_dump(function_exists('apache_child_terminate'), apache_child_terminate()); break;
    case 'time': var_dump(abs($_SERVER['REQUEST_TIME'] - time()) < 5, is_float($_SERVER['REQUEST_TIME_FLOAT'])); break;
}
