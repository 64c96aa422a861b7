<?php
header('Content-Type: text/plain');
switch ($_GET['how'] ?? '') {
    case 'undefined': no_such_function(); break;
    case 'exception': throw new RuntimeException('on purpose');
    case 'after': echo "some output\n"; flush(); no_such_function(); break;
    case 'memory': ini_set('memory_limit', '4M'); $all = []; while (true) { $all[] = str_repeat('x', 100000); }
    case 'exit': echo "leaving\n"; exit(3);
    case 'die': http_response_code(503); die("dead\n");
    case 'warning': echo $undefined, "warned\n"; break;
    case 'log': error_log('a line of its own'); echo "logged\n"; break;
    case 'parse': include __DIR__ . '/broken.inc'; break;
    case 'required': require __DIR__ . '/no-such.inc'; break;
    case 'recursion': function f($n) { return f($n + 1) + 1; } ini_set('memory_limit', '8M'); f(0); break;
    case 'time': set_time_limit(1); while (true) { }
    case 'nap': set_time_limit(1); usleep(1200000); echo "sleep does not count\n"; break;
    case 'trigger': trigger_error('by hand', E_USER_ERROR); break;
}
