<?php
header('Content-Type: text/plain');
session_save_path($_SERVER['STATE']);
if (isset($_GET['options'])) { session_start(['cookie_httponly' => true, 'cookie_samesite' => 'Lax', 'name' => 'OTHER']); }
else { session_start(); }
switch ($_GET['how'] ?? 'count') {
    case 'count': $_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1; echo $_SESSION['count'], "\n"; break;
    case 'show': ksort($_SESSION); echo json_encode($_SESSION), "\n"; break;
    case 'set': $_SESSION['name'] = $_POST['name']; echo "set\n"; break;
    case 'renew': session_regenerate_id(true); echo "renewed\n"; break;
    case 'end': session_destroy(); echo "ended\n"; break;
    case 'slowly': $_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1; usleep(5000); echo $_SESSION['count'], ' ', getmypid(), "\n"; break;
}
