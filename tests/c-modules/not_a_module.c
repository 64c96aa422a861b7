/* A library without a module structure. */
int not_a_module_answer = 42;
