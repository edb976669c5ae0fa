/* The condition before a program, in C: a call whose arguments are of the kinds that the program is for goes to it, any
   other call to the general function. It is built where Frechet is installed and there is a compiler; `dispatch.py` does
   the same in Python.

   Guard(run, otherwise, kinds): for each parameter, kinds has its class, and for an array also its dtype and shape. */

#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <Python.h>
#include <stddef.h>
#include <structmember.h>
#include <numpy/arrayobject.h>

typedef struct {
    PyTypeObject *class;
    PyArray_Descr *dtype;      /* NULL for a number */
    int axes;
    const npy_intp *shape;
} Kind;

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *run, *otherwise;
    PyObject *held;            /* keeps the classes and dtypes */
    Py_ssize_t count;
    Kind *kinds;
    npy_intp *sizes;
} Guard;

static int fits(const Kind *kind, PyObject *given)
{
    if (Py_TYPE(given) != kind->class)
        return 0;
    if (kind->dtype == NULL)
        return 1;
    PyArrayObject *array = (PyArrayObject *)given;
    if (PyArray_DESCR(array) != kind->dtype || PyArray_NDIM(array) != kind->axes)
        return 0;
    const npy_intp *shape = PyArray_DIMS(array);
    for (int axis = 0; axis < kind->axes; axis++)
        if (shape[axis] != kind->shape[axis])
            return 0;
    return 1;
}

static PyObject *guard_call(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    const Guard *guard = (Guard *)self;
    PyObject *to = guard->otherwise;
    if (names == NULL && PyVectorcall_NARGS(flags) == guard->count) {
        Py_ssize_t i = 0;
        while (i < guard->count && fits(guard->kinds + i, args[i]))
            i++;
        if (i == guard->count)
            to = guard->run;
    }
    return PyObject_Vectorcall(to, args, flags, names);
}

static int guard_traverse(PyObject *self, visitproc visit, void *arg)
{
    Guard *guard = (Guard *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(guard->run);
    Py_VISIT(guard->otherwise);
    Py_VISIT(guard->held);
    return 0;
}

static void guard_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Guard *guard = (Guard *)self;
    PyObject_GC_UnTrack(self);
    Py_XDECREF(guard->run);
    Py_XDECREF(guard->otherwise);
    Py_XDECREF(guard->held);
    PyMem_Free(guard->kinds);
    PyMem_Free(guard->sizes);
    type->tp_free(self);
    Py_DECREF(type);
}

/* The kind that a tuple tells: a class, or a class, a dtype and a shape; its sizes go to where `sizes` is. -1: it tells none. */
static int read_kind(PyObject *told, Kind *kind, npy_intp **sizes)
{
    PyObject *class, *dtype = NULL, *shape = NULL;
    if (!PyArg_ParseTuple(told, "O!|O!O!", &PyType_Type, &class, &PyArrayDescr_Type, &dtype, &PyTuple_Type, &shape))
        return -1;
    kind->class = (PyTypeObject *)class;
    kind->dtype = (PyArray_Descr *)dtype;
    if (dtype == NULL)
        return 0;
    if (shape == NULL || class != (PyObject *)&PyArray_Type || PyTuple_GET_SIZE(shape) > NPY_MAXDIMS) {
        PyErr_SetString(PyExc_TypeError, "a dtype is that of an ndarray, which has a shape");
        return -1;
    }
    kind->axes = (int)PyTuple_GET_SIZE(shape);
    kind->shape = *sizes;
    for (Py_ssize_t axis = 0; axis < PyTuple_GET_SIZE(shape); axis++) {
        *(*sizes)++ = (npy_intp)PyLong_AsSsize_t(PyTuple_GET_ITEM(shape, axis));
        if (PyErr_Occurred())
            return -1;
    }
    return 0;
}

static PyObject *guard_new(PyTypeObject *type, PyObject *args, PyObject *names)
{
    PyObject *run, *otherwise, *kinds;
    static char *parameters[] = {"run", "otherwise", "kinds", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, names, "OOO!", parameters, &run, &otherwise, &PyTuple_Type, &kinds))
        return NULL;
    const Py_ssize_t count = PyTuple_GET_SIZE(kinds);
    Guard *guard = (Guard *)type->tp_alloc(type, 0);
    if (guard == NULL)
        return NULL;
    guard->call = guard_call;
    guard->run = Py_NewRef(run);
    guard->otherwise = Py_NewRef(otherwise);
    guard->held = Py_NewRef(kinds);
    guard->count = count;
    guard->kinds = PyMem_Calloc(count + 1, sizeof(Kind));
    guard->sizes = PyMem_Calloc(count * NPY_MAXDIMS + 1, sizeof(npy_intp));
    if (guard->kinds == NULL || guard->sizes == NULL) {
        Py_DECREF(guard);
        return PyErr_NoMemory();
    }
    npy_intp *sizes = guard->sizes;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *told = PyTuple_GET_ITEM(kinds, i);
        if (!PyTuple_CheckExact(told)) {
            PyErr_SetString(PyExc_TypeError, "the kind of a parameter is a tuple");
            Py_DECREF(guard);
            return NULL;
        }
        if (read_kind(told, guard->kinds + i, &sizes)) {
            Py_DECREF(guard);
            return NULL;
        }
    }
    return (PyObject *)guard;
}

static PyMemberDef guard_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Guard, call), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot guard_slots[] = {
    {Py_tp_new, guard_new},
    {Py_tp_dealloc, guard_dealloc},
    {Py_tp_traverse, guard_traverse},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, guard_members},
    {0, NULL},
};

static PyType_Spec guard_spec = {
    "frechet.compilation._dispatch.Guard", sizeof(Guard), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_IMMUTABLETYPE, guard_slots,
};

static int start(PyObject *module)
{
    if (PyArray_ImportNumPyAPI() < 0)
        return -1;
    PyObject *type = PyType_FromModuleAndSpec(module, &guard_spec, NULL);
    if (type == NULL)
        return -1;
    const int failed = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return failed;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, start}, {0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_dispatch", "", 0, NULL, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__dispatch(void) { return PyModuleDef_Init(&definition); }
