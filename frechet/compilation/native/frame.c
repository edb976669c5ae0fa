/* What stands between Python and the steps of a program.

   `bind` makes the function that Python calls from a tuple: the general function, to which everything is left that the
   program does not do itself; a bytearray of the sizes that the order of the steps is meant for; the keys of the results,
   or None; a list of one workspace that all programs share. */

#define STACK 1024             /* entries of the workspace that need no allocation */
#define KEPT 1000              /* entries of a result that is used again once nobody holds it */
#define SHARED (64 << 20)      /* bytes of a workspace that stays for later calls */
#define LARGE 20000            /* entries from which other threads may run meanwhile */
#define SMALL 16               /* rows of matrices that are factorized here */
#define VECTOR 200             /* entries of a matrix beside a vector from which kernels.c does better than a loop */
#define MATRIX 300             /* multiplications of two matrices from which BLAS is called */
#define FEW 1000               /* and up to which vectors of kernels.c do better, where the processor has them, */
#define FEW_SQUARED 20000      /* for A·A', which BLAS makes by halves, */
#define INNER 64               /* with at most this many for each entry */
#define MANY 64                /* entries of arrays from which their inner product is several sums */
#define AS_IT_LIES 1000000     /* up to which BLAS does not copy its operands first */
#ifndef CACHED
#define CACHED ((64 << 20) / sizeof(T)) /* entries of an array that a cache may keep */
#endif
#define FROM_MEMORY(count) ((count) > (npy_intp)CACHED)
#define SHORT 400              /* entries of a row, up to which rows are asked for before they are read, */
#define AHEAD (16384 / sizeof(T)) /* by so many entries */
#define LINE (64 / sizeof(T))
#define ROUNDED(count) (((count) + 7) & ~(npy_intp)7)

static PyObject *program(PyObject *state, PyObject *const *args, Py_ssize_t count, PyObject *names);
#ifdef USE_LIBRARIES
static int load_libraries(void);
#endif

static PyObject *general(PyObject *state, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    return PyObject_Vectorcall(PyTuple_GET_ITEM(state, 0), args, count, names);
}

static inline int is_array(PyObject *o, int axes)
{
    PyArrayObject *a = (PyArrayObject *)o;
    return PyArray_CheckExact(o) && PyArray_TYPE(a) == NUMBER && PyArray_NDIM(a) == axes && PyArray_ISCARRAY_RO(a);
}

static inline int is_number(PyObject *o, T *x)
{
    if (PyFloat_Check(o)) {
        *x = (T)PyFloat_AS_DOUBLE(o);
        return 1;
    }
    if (PyArray_IsScalar(o, Float)) {
        *x = (T)PyArrayScalar_VAL(o, Float);
        return 1;
    }
    if (PyLong_CheckExact(o)) {
        const double found = PyLong_AsDouble(o);
        if (found == -1 && PyErr_Occurred()) {
            PyErr_Clear();
            return 0;
        }
        *x = (T)found;
        return 1;
    }
    return 0;
}

/* Python's own numbers are of double precision. */
static inline PyObject *as_number(T x)
{
    if (sizeof(T) == sizeof(double))
        return PyFloat_FromDouble((double)x);
    PyObject *o = PyArrayScalar_New(Float);
    if (o)
        PyArrayScalar_ASSIGN(o, Float, (npy_float)x);
    return o;
}

/* Has the array what a new one of this shape has, whatever was done to it? */
static inline int is_as_new(PyArrayObject *a, int axes, const npy_intp *shape)
{
    return PyArray_NDIM(a) == axes && memcmp(PyArray_DIMS(a), shape, axes * sizeof(npy_intp)) == 0 &&
           PyArray_TYPE(a) == NUMBER && PyArray_ISNOTSWAPPED(a) && PyArray_BASE(a) == NULL &&
           PyArray_CHKFLAGS(a, NPY_ARRAY_CARRAY | NPY_ARRAY_OWNDATA) &&
           ((PyArrayObject_fields *)a)->weakreflist == NULL;
}

/* A result: where it is small one of the last two that nobody holds any more, else a new array.

   To make and to forget an array of NumPy takes as long as the product of two 5×5 matrices and more. */
static inline PyObject *result(PyObject **last, int axes, const npy_intp *shape)
{
    for (int i = 0; i < 2; i++) {
        PyArrayObject *a = (PyArrayObject *)last[i];
        if (!a || Py_REFCNT(a) > 1)
            continue;
        if (is_as_new(a, axes, shape))
            return Py_NewRef((PyObject *)a);
        last[i] = NULL;
        Py_DECREF(a);
    }
    PyObject *made = PyArray_SimpleNew(axes, shape, NUMBER);
    if (made && PyArray_SIZE((PyArrayObject *)made) <= KEPT) {
        PyObject *forgotten = last[1];
        last[1] = last[0];
        last[0] = Py_NewRef(made);
        Py_XDECREF(forgotten);
    }
    return made;
}

/* A workspace of so many bytes: that which all programs share, where it is large enough and no other thread uses it. New
   memory of this size comes from the system at each call, which may take longer than the program to find large pages. */
static PyObject *workspace(PyObject *state, npy_intp bytes)
{
    PyObject *shared = PyTuple_GET_ITEM(state, 3), *last = PyList_GET_ITEM(shared, 0);
    const npy_intp there = PyArray_CheckExact(last) ? PyArray_SIZE((PyArrayObject *)last) : 0;
    if (there >= bytes && Py_REFCNT(last) == 1)
        return Py_NewRef(last);
    PyObject *made = PyArray_SimpleNew(1, &bytes, NPY_BYTE);
    if (made && bytes > there && bytes <= SHARED && PyList_SetItem(shared, 0, Py_NewRef(made)) < 0)
        Py_CLEAR(made);
    return made;
}

static inline int meant_for(PyObject *state, const npy_intp *sizes, size_t bytes)
{
    PyObject *known = PyTuple_GET_ITEM(state, 1);
    const char *all = PyByteArray_AS_STRING(known);
    const size_t end = (size_t)PyByteArray_GET_SIZE(known);
    for (size_t at = 0; at + bytes <= end; at += bytes)
        if (memcmp(all + at, sizes, bytes) == 0)
            return 1;
    return 0;
}

static inline npy_intp at_least_1(npy_intp n) { return n > 1 ? n : 1; }

static PyMethodDef program_definition = {"program", (PyCFunction)(void (*)(void))program, METH_FASTCALL | METH_KEYWORDS, ""};

static PyObject *bind(PyObject *module, PyObject *state)
{
    if (!PyTuple_CheckExact(state) || PyTuple_GET_SIZE(state) != 4 || !PyByteArray_CheckExact(PyTuple_GET_ITEM(state, 1)) ||
        !PyList_CheckExact(PyTuple_GET_ITEM(state, 3)) || PyList_GET_SIZE(PyTuple_GET_ITEM(state, 3)) != 1) {
        PyErr_SetString(PyExc_TypeError, "bind needs a function, a bytearray, the keys of the results and a list of one");
        return NULL;
    }
    return PyCFunction_NewEx(&program_definition, state, NULL);
}

static PyMethodDef functions[] = {{"bind", bind, METH_O, ""}, {NULL, NULL, 0, NULL}};

static int start(PyObject *module)
{
    if (PyArray_ImportNumPyAPI() < 0)
        return -1;
#ifdef USE_LIBRARIES
    if (load_libraries())
        return -1;
#endif
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, start}, {0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "compiled", "", 0, functions, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_compiled(void) { return PyModuleDef_Init(&definition); }
