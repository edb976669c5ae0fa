/* Products and factorizations of matrices, what is computed from these, and functions of entries, for programs in C.

   T is the type of the entries, LETTER(s, d) what depends on it, F(exp) a function of the mathematical library for it.
   Matrices lie row by row. Small ones are done here, in loops and by vectors of columns, and products with a vector of any
   size; larger ones by BLAS and LAPACK, which are given a row-major matrix as the transpose that it is to Fortran. Both leave
   the same kind of factors only to themselves, so they change at one size. */

/* -- vectors of entries, of which only the first may count. The compiler's own names: its header takes longer to read than
      a program to build. */

#if defined(__AVX512F__) && defined(__has_builtin)
#if __has_builtin(__builtin_ia32_loadupd512_mask)
#define LANES LETTER(16, 8)
typedef T vector_type __attribute__((vector_size(64)));
typedef LETTER(unsigned short, unsigned char) mask_type;
static inline mask_type first_lanes(int n) { return (mask_type)((1u << n) - 1); }
#define load_lanes(from, some) LETTER(__builtin_ia32_loadups512_mask, __builtin_ia32_loadupd512_mask)(from, (vector_type){0}, some)
#define store_lanes(to, some, v) LETTER(__builtin_ia32_storeups512_mask, __builtin_ia32_storeupd512_mask)(to, v, some)
#endif
#elif defined(__AVX2__) && defined(__has_builtin)
#if __has_builtin(__builtin_ia32_maskloadpd256)
#define LANES LETTER(8, 4)
typedef T vector_type __attribute__((vector_size(32)));
typedef LETTER(int, long long) mask_type __attribute__((vector_size(32)));
static inline mask_type first_lanes(int n)
{
    const mask_type places = LETTER(((mask_type){0, 1, 2, 3, 4, 5, 6, 7}), ((mask_type){0, 1, 2, 3}));
    return places < n;
}
#define load_lanes(from, some) LETTER(__builtin_ia32_maskloadps256, __builtin_ia32_maskloadpd256)((const vector_type *)(from), some)
#define store_lanes(to, some, v) LETTER(__builtin_ia32_maskstoreps256, __builtin_ia32_maskstorepd256)((vector_type *)(to), some, v)
#endif
#endif

#ifdef LANES
#define ARE_FEW(rows, columns, inner, few) ((inner) <= INNER && (rows) * (columns) * (inner) <= (few))
#else
#define ARE_FEW(rows, columns, inner, few) 0
#endif

#ifdef USE_LIBRARIES /* the routines that SciPy ships; see load() in the program */
typedef void (*gemm_type)(char *, char *, int *, int *, int *, T *, T *, int *, T *, int *, T *, T *, int *);
typedef void (*syrk_type)(char *, char *, int *, int *, T *, T *, int *, T *, T *, int *);
typedef void (*potrf_type)(char *, int *, T *, int *, int *);
typedef void (*potrs_type)(char *, int *, int *, T *, int *, T *, int *, int *);
typedef void (*potri_type)(char *, int *, T *, int *, int *);
typedef void (*getrf_type)(int *, int *, T *, int *, int *, int *);
typedef void (*getrs_type)(char *, int *, int *, T *, int *, int *, T *, int *, int *);
typedef void (*getri_type)(int *, T *, int *, int *, T *, int *, int *);
static gemm_type gemm;
static syrk_type syrk;
static potrf_type potrf;
static potrs_type potrs;
static potri_type potri;
static getrf_type getrf;
static getrs_type getrs;
static getri_type getri;

static void *library_routine(PyObject *table, const char *name)
{
    PyObject *capsule = table ? PyDict_GetItemString(table, name) : NULL;
    if (!capsule || !PyCapsule_CheckExact(capsule) || !strstr(PyCapsule_GetName(capsule), "int *")) {
        PyErr_Format(PyExc_ImportError, "SciPy has no routine %s of the kind that is known", name);
        return NULL;
    }
    return PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule));
}

static int load_libraries(void)
{
    PyObject *module, *blas = NULL, *lapack = NULL;
    int fine = 0;
    if ((module = PyImport_ImportModule("scipy.linalg.cython_blas"))) {
        blas = PyObject_GetAttrString(module, "__pyx_capi__");
        Py_DECREF(module);
    }
    if (blas && (module = PyImport_ImportModule("scipy.linalg.cython_lapack"))) {
        lapack = PyObject_GetAttrString(module, "__pyx_capi__");
        Py_DECREF(module);
    }
    fine = lapack && (gemm = (gemm_type)library_routine(blas, LETTER("sgemm", "dgemm"))) &&
           (syrk = (syrk_type)library_routine(blas, LETTER("ssyrk", "dsyrk"))) &&
           (potrf = (potrf_type)library_routine(lapack, LETTER("spotrf", "dpotrf"))) &&
           (potrs = (potrs_type)library_routine(lapack, LETTER("spotrs", "dpotrs"))) &&
           (potri = (potri_type)library_routine(lapack, LETTER("spotri", "dpotri"))) &&
           (getrf = (getrf_type)library_routine(lapack, LETTER("sgetrf", "dgetrf"))) &&
           (getrs = (getrs_type)library_routine(lapack, LETTER("sgetrs", "dgetrs"))) &&
           (getri = (getri_type)library_routine(lapack, LETTER("sgetri", "dgetri")));
    Py_XDECREF(blas);
    Py_XDECREF(lapack);
    return fine ? 0 : -1;
}

/* -- products, by the names of axes: C (rows × columns) = c·A·B, row-major. A letter says how an operand lies: 'n' row by
      row, 't' column by column; ld is the distance of its rows, or of its columns. */

#ifdef LANES
/* The same of small matrices: some columns of the result at once, of four rows. Entries beyond the last column are neither
   read nor written. */
static void few_products(npy_intp rows, npy_intp columns, npy_intp inner, T c, const T *a, char la, npy_intp lda, const T *b,
                         char lb, npy_intp ldb, T *restrict out)
{
    const npy_intp down = la == 'n' ? lda : 1, along = la == 'n' ? 1 : lda;
    T turned[INNER * LANES];
    for (npy_intp start = 0; start < columns; start += LANES) {
        const npy_intp width = columns - start < LANES ? columns - start : LANES;
        const mask_type some = first_lanes((int)width);
        const T *row = b + start;
        npy_intp step = ldb;
        if (lb != 'n') {
            for (npy_intp j = 0; j < width; j++)
                for (npy_intp k = 0; k < inner; k++)
                    turned[k * LANES + j] = b[(start + j) * ldb + k];
            row = turned;
            step = LANES;
        }
        npy_intp i = 0;
        for (; i + 4 <= rows; i += 4) {
            const T *p = a + i * down;
            vector_type s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
            for (npy_intp k = 0; k < inner; k++, p += along) {
                const vector_type r = load_lanes(row + k * step, some);
                s0 += p[0] * r;
                s1 += p[down] * r;
                s2 += p[2 * down] * r;
                s3 += p[3 * down] * r;
            }
            T *to = out + i * columns + start;
            store_lanes(to, some, c * s0);
            store_lanes(to + columns, some, c * s1);
            store_lanes(to + 2 * columns, some, c * s2);
            store_lanes(to + 3 * columns, some, c * s3);
        }
        for (; i < rows; i++) {
            const T *p = a + i * down;
            vector_type s = {0};
            for (npy_intp k = 0; k < inner; k++, p += along)
                s += *p * load_lanes(row + k * step, some);
            store_lanes(out + i * columns + start, some, c * s);
        }
    }
}
#else
#define few_products(...)
#endif

static void matrix_matrix(npy_intp rows, npy_intp columns, npy_intp inner, T c, const T *a, char la, npy_intp lda,
                          const T *b, char lb, npy_intp ldb, T *out)
{
    if (ARE_FEW(rows, columns, inner, FEW)) {
        few_products(rows, columns, inner, c, a, la, lda, b, lb, ldb, out);
        return;
    }
    int m = (int)columns, k = (int)inner, p = (int)ldb, q = (int)lda;
    T zero = 0;
    npy_intp block = rows;
    /* a large matrix times few columns is read as it lies, which is faster where it need not be copied */
    if (la == 'n' && columns <= 16 && rows * inner >= 400000 && inner * columns <= 25000)
        block = AS_IT_LIES / (inner * columns);
    for (npy_intp i = 0; i < rows; i += block) {
        int n = (int)(i + block < rows ? block : rows - i);
        gemm(lb == 'n' ? "N" : "T", la == 'n' ? "N" : "T", &m, &n, &k, &c, (T *)b, &p, (T *)a + i * lda, &q, &zero,
             out + i * columns, &m);
    }
}

/* Some rows at once, each read one entry after the other: at the rate of memory, with no threads that contend for it.

   far: is a a part of an array that no cache keeps? Of short rows those that come are asked for while these are multiplied:
   a processor that only sees them read has half of the rate of memory. */
static void matrix_vector(npy_intp rows, npy_intp inner, T c, const T *a, char la, npy_intp lda, const T *x, npy_intp step,
                          T *restrict out, int far)
{
    const npy_intp ahead = far && lda == inner && inner <= SHORT ? AHEAD : 0;
    if (la == 't' && ARE_FEW(1, rows, inner, FEW)) {
        few_products(1, rows, inner, c, x, 't', step, a, 'n', lda, out);
        return;
    }
    npy_intp i = 0;
    if (la == 'n') {
        for (; i + 4 <= rows; i += 4) {
            const T *p = a + i * lda;
            for (npy_intp j = 0; ahead && j < 4 * inner; j += LINE)
                __builtin_prefetch(p + ahead + j);
            T s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
            for (npy_intp j = 0; j < inner; j++) {
                const T e = x[j * step];
                s0 += p[j] * e;
                s1 += p[lda + j] * e;
                s2 += p[2 * lda + j] * e;
                s3 += p[3 * lda + j] * e;
            }
            out[i] = c * s0;
            out[i + 1] = c * s1;
            out[i + 2] = c * s2;
            out[i + 3] = c * s3;
        }
        for (; i < rows; i++) {
            T s = 0;
#pragma omp simd reduction(+ : s)
            for (npy_intp j = 0; j < inner; j++)
                s += a[i * lda + j] * x[j * step];
            out[i] = c * s;
        }
        return;
    }
    memset(out, 0, rows * sizeof(T));
    i = inner;
    for (; i >= 8; i -= 8) { /* from the last row on: it is in the cache where a was just read from the first one on */
        const T *p = a + (i - 8) * lda;
        T e[8];
        for (int k = 0; k < 8; k++)
            e[k] = c * x[(i - 8 + k) * step];
#pragma omp simd
        for (npy_intp j = 0; j < rows; j++)
            out[j] += e[0] * p[j] + e[1] * p[lda + j] + (e[2] * p[2 * lda + j] + e[3] * p[3 * lda + j]) +
                      (e[4] * p[4 * lda + j] + e[5] * p[5 * lda + j] + (e[6] * p[6 * lda + j] + e[7] * p[7 * lda + j]));
    }
    while (i-- > 0) {
        const T e = c * x[i * step];
#pragma omp simd
        for (npy_intp j = 0; j < rows; j++)
            out[j] += e * a[i * lda + j];
    }
}

static void mirror(npy_intp n, T *a) /* the upper triangle as the transpose of the lower one, block by block */
{
    for (npy_intp i0 = 0; i0 < n; i0 += 32)
        for (npy_intp j0 = i0; j0 < n; j0 += 32)
            for (npy_intp i = i0; i < n && i < i0 + 32; i++)
                for (npy_intp j = j0 > i ? j0 : i + 1; j < n && j < j0 + 32; j++)
                    a[i * n + j] = a[j * n + i];
}

static void matrix_own_transpose(npy_intp rows, npy_intp inner, T c, const T *a, char la, npy_intp lda, T *out)
{
    if (ARE_FEW(rows, rows, inner, FEW_SQUARED)) {
        few_products(rows, rows, inner, c, a, la, lda, a, la == 'n' ? 't' : 'n', lda, out);
        return;
    }
    int n = (int)rows, k = (int)inner, p = (int)lda;
    T zero = 0;
    char *first = la == 'n' ? "T" : "N", *second = la == 'n' ? "N" : "T";
    if (rows * rows * inner <= AS_IT_LIES)
        gemm(first, second, &n, &n, &k, &c, (T *)a, &p, (T *)a, &p, &zero, out, &n);
    else
        syrk("U", first, &n, &k, &c, (T *)a, &p, &zero, out, &n);
    mirror(rows, out);
}

/* -- Cholesky: A = L·L', L in the lower triangle of a. All of them return 0 where the matrix is as it must be. */

static int cholesky(npy_intp n, T *restrict a)
{
    if (n > SMALL) {
        int size = (int)n, info;
        potrf("U", &size, a, &size, &info);
        return info;
    }
    for (npy_intp i = 0; i < n; i++) {
        for (npy_intp j = 0; j < i; j++) {
            T s = a[i * n + j];
            for (npy_intp k = 0; k < j; k++)
                s -= a[i * n + k] * a[j * n + k];
            a[i * n + j] = s / a[j * n + j];
        }
        T d = a[i * n + i];
        for (npy_intp k = 0; k < i; k++)
            d -= a[i * n + k] * a[i * n + k];
        if (!(d > 0))
            return 1;
        a[i * n + i] = F(sqrt)(d);
    }
    return 0;
}

/* Solves with the factors of a small matrix: of one vector, E being T, or of as many as there are lanes. */
#define SOLVES(E, lower_and_upper, with_interchanges)                                                                  \
    static inline void lower_and_upper(npy_intp n, const T *restrict a, E *restrict x)                                 \
    {                                                                                                                  \
        for (npy_intp i = 0; i < n; i++) {                                                                             \
            E s = x[i];                                                                                                \
            for (npy_intp k = 0; k < i; k++)                                                                           \
                s -= a[i * n + k] * x[k];                                                                              \
            x[i] = s / a[i * n + i];                                                                                   \
        }                                                                                                              \
        for (npy_intp i = n - 1; i >= 0; i--) {                                                                        \
            const E s = x[i] /= a[i * n + i];                                                                          \
            for (npy_intp k = 0; k < i; k++)                                                                           \
                x[k] -= a[i * n + k] * s;                                                                              \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
    static inline void with_interchanges(npy_intp n, const T *restrict a, const int *restrict p, E *restrict x,        \
                                         int turned)                                                                   \
    {                                                                                                                  \
        if (turned) {                                                                                                  \
            for (npy_intp i = 0; i < n; i++) {                                                                         \
                const E s = x[i] /= a[i * n + i];                                                                      \
                for (npy_intp k = i + 1; k < n; k++)                                                                   \
                    x[k] -= a[i * n + k] * s;                                                                          \
            }                                                                                                          \
            for (npy_intp i = n - 1; i >= 0; i--) {                                                                    \
                const E s = x[i];                                                                                      \
                for (npy_intp k = 0; k < i; k++)                                                                       \
                    x[k] -= a[i * n + k] * s;                                                                          \
            }                                                                                                          \
            for (npy_intp k = n - 1; k >= 0; k--) {                                                                    \
                const E t = x[k];                                                                                      \
                x[k] = x[p[k] - 1];                                                                                    \
                x[p[k] - 1] = t;                                                                                       \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (npy_intp k = 0; k < n; k++) {                                                                             \
            const E t = x[k];                                                                                          \
            x[k] = x[p[k] - 1];                                                                                        \
            x[p[k] - 1] = t;                                                                                           \
        }                                                                                                              \
        for (npy_intp i = 0; i < n; i++) {                                                                             \
            E s = x[i];                                                                                                \
            for (npy_intp k = 0; k < i; k++)                                                                           \
                s -= a[i * n + k] * x[k];                                                                              \
            x[i] = s;                                                                                                  \
        }                                                                                                              \
        for (npy_intp i = n - 1; i >= 0; i--) {                                                                        \
            E s = x[i];                                                                                                \
            for (npy_intp k = i + 1; k < n; k++)                                                                       \
                s -= a[i * n + k] * x[k];                                                                              \
            x[i] = s / a[i * n + i];                                                                                   \
        }                                                                                                              \
    }

SOLVES(T, cholesky_solve_one, lu_solve_one)
#ifdef LANES
SOLVES(vector_type, cholesky_solve_lanes, lu_solve_lanes)
#endif

/* Solves of count vectors, one after the other in x; p: the interchanges of LU, NULL for Cholesky. */
static void solve(npy_intp n, const T *a, const int *p, npy_intp count, T *x, int turned)
{
    npy_intp v = 0;
#ifdef LANES
    for (; v + 2 < count; v += LANES) {
        const npy_intp some = count - v < LANES ? count - v : LANES;
        T *first = x + v * n;
        vector_type y[SMALL];
        for (npy_intp i = 0; i < n; i++) {
            y[i] = (vector_type){0};
            for (npy_intp j = 0; j < some; j++)
                y[i][j] = first[j * n + i];
        }
        if (p)
            lu_solve_lanes(n, a, p, y, turned);
        else
            cholesky_solve_lanes(n, a, y);
        for (npy_intp j = 0; j < some; j++)
            for (npy_intp i = 0; i < n; i++)
                first[j * n + i] = y[i][j];
    }
#endif
    for (; v < count; v++)
        if (p)
            lu_solve_one(n, a, p, x + v * n, turned);
        else
            cholesky_solve_one(n, a, x + v * n);
}

static int cholesky_solve(npy_intp n, const T *restrict a, npy_intp count, T *restrict x) /* x: count vectors */
{
    if (n > SMALL) {
        int size = (int)n, m = (int)count, info;
        potrs("U", &size, &m, (T *)a, &size, x, &size, &info);
        return info;
    }
    solve(n, a, NULL, count, x, 0);
    return 0;
}

static int cholesky_inverse(npy_intp n, const T *a, T *out)
{
    if (n > SMALL / 2) { /* of these factors LAPACK takes ours as well */
        int size = (int)n, info;
        memcpy(out, a, n * n * sizeof(T));
        potri("U", &size, out, &size, &info);
        mirror(n, out);
        return info;
    }
    memset(out, 0, n * n * sizeof(T));
    for (npy_intp i = 0; i < n; i++)
        out[i * n + i] = 1;
    return cholesky_solve(n, a, n, out);
}

/* M·E of M = inv(a·E + b·I): (I - b·M)/a where that is no less exact. */
static void resolvent(npy_intp n, const T *m, const T *e, T a, T b, T *restrict out)
{
    T s = 0;
    for (npy_intp j = 0; j < n; j++)
        s += e[j] * e[j];
    if (F(fabs)(b) <= F(fabs)(a) * F(sqrt)(s)) {
        const T c = -b / a;
        for (npy_intp i = 0; i < n * n; i++)
            out[i] = c * m[i];
        for (npy_intp i = 0; i < n; i++)
            out[i * n + i] += 1 / a;
    } else
        matrix_matrix(n, n, n, 1, m, 'n', n, e, 'n', n, out);
}

/* -- LU with row interchanges; a singular matrix is seen by what uses the factors */

static int lu(npy_intp n, T *restrict a, int *restrict p)
{
    int info = 0;
    if (n > SMALL) {
        int size = (int)n;
        getrf(&size, &size, a, &size, p, &info);
        return info;
    }
    for (npy_intp k = 0; k < n; k++) {
        npy_intp at = k;
        for (npy_intp i = k + 1; i < n; i++)
            if (F(fabs)(a[i * n + k]) > F(fabs)(a[at * n + k]))
                at = i;
        p[k] = (int)at + 1;
        if (at != k)
            for (npy_intp j = 0; j < n; j++) {
                const T t = a[k * n + j];
                a[k * n + j] = a[at * n + j];
                a[at * n + j] = t;
            }
        const T d = a[k * n + k];
        if (d == 0) {
            if (!info)
                info = (int)k + 1;
            continue;
        }
        const T r = 1 / d;
        for (npy_intp i = k + 1; i < n; i++) {
            const T l = a[i * n + k] *= r;
            for (npy_intp j = k + 1; j < n; j++)
                a[i * n + j] -= l * a[k * n + j];
        }
    }
    return info;
}

static int lu_solve(npy_intp n, const T *restrict a, const int *restrict p, npy_intp count, T *restrict x, int turned)
{
    if (n > SMALL) { /* the factors are those of the transpose */
        int size = (int)n, m = (int)count, info;
        getrs(turned ? "N" : "T", &size, &m, (T *)a, &size, (int *)p, x, &size, &info);
        return info;
    }
    solve(n, a, p, count, x, turned);
    return 0;
}

static int lu_inverse(npy_intp n, const T *a, const int *p, T *out)
{
    if (n > SMALL) {
        int size = (int)n, room = 64 * (int)n, info;
        T *work = malloc(room * sizeof(T));
        if (!work)
            return 1;
        memcpy(out, a, n * n * sizeof(T));
        getri(&size, out, &size, (int *)p, work, &room, &info);
        free(work);
        return info;
    }
    memset(out, 0, n * n * sizeof(T));
    for (npy_intp i = 0; i < n; i++)
        out[i * n + i] = 1;
    return lu_solve(n, a, p, n, out, 1); /* row i of the inverse solves the transposed system */
}

static T cholesky_logdet(npy_intp n, const T *a)
{
    T s = 0;
    for (npy_intp i = 0; i < n; i++)
        s += F(log)(a[i * n + i]);
    return 2 * s;
}

static T cholesky_det(npy_intp n, const T *a)
{
    T s = 1;
    for (npy_intp i = 0; i < n; i++)
        s *= a[i * n + i];
    return s * s;
}

static T lu_det(npy_intp n, const T *a, const int *p)
{
    T s = 1;
    for (npy_intp i = 0; i < n; i++)
        s *= p[i] == i + 1 ? a[i * n + i] : -a[i * n + i];
    return s;
}

/* The largest sum of moduli of a row. */
static T norm_of_rows(npy_intp n, const T *a)
{
    T top = 0;
    for (npy_intp i = 0; i < n; i++) {
        T s = 0;
        for (npy_intp j = 0; j < n; j++)
            s += F(fabs)(a[i * n + j]);
        top = s > top ? s : top;
    }
    return top;
}

/* The adjugate: of up to three rows by cofactors, else by the inverse, where that loses few digits. f, p: for the factors. */
static int adjugate(npy_intp n, const T *a, T *f, int *p, T *restrict out)
{
    if (n == 1)
        out[0] = 1;
    if (n == 2) {
        out[0] = a[3];
        out[1] = -a[1];
        out[2] = -a[2];
        out[3] = a[0];
    }
    if (n == 3)
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++) { /* of the entry at row j and column i: the next rows and columns, in a circle */
                const int k = (j + 1) % 3 * 3, l = (j + 2) % 3 * 3, s = (i + 1) % 3, t = (i + 2) % 3;
                out[3 * i + j] = a[k + s] * a[l + t] - a[k + t] * a[l + s];
            }
    if (n <= 3)
        return 0;
    memcpy(f, a, n * n * sizeof(T));
    if (lu(n, f, p))
        return 1;
    const T d = lu_det(n, f, p);
    if (d == 0 || !(F(fabs)(d) < INFINITY) || lu_inverse(n, f, p, out))
        return 1;
    if (!(norm_of_rows(n, a) * norm_of_rows(n, out) < LETTER((T)500, (T)1e6)))
        return 1;
    for (npy_intp i = 0; i < n * n; i++)
        out[i] *= d;
    return 0;
}

static T lu_logdet(npy_intp n, const T *a, const int *p) /* nan where the determinant is not positive */
{
    T s = 0;
    int negative = 0;
    for (npy_intp i = 0; i < n; i++) {
        const T d = a[i * n + i];
        s += F(log)(F(fabs)(d));
        negative ^= (d < 0) ^ (p[i] != i + 1);
    }
    return negative || s == -INFINITY ? NAN : s;
}
#endif

/* The inner product: four sums at once, as one addition after the other takes longer than reading. */
static T inner_product(npy_intp count, const T *x, const T *y)
{
    const npy_intp part = count / 4;
    T s = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma omp simd reduction(+ : s, s1, s2, s3)
    for (npy_intp i = 0; i < part; i++) {
        s += x[i] * y[i];
        s1 += x[part + i] * y[part + i];
        s2 += x[2 * part + i] * y[2 * part + i];
        s3 += x[3 * part + i] * y[3 * part + i];
    }
    for (npy_intp i = 4 * part; i < count; i++)
        s += x[i] * y[i];
    return s + s1 + (s2 + s3);
}

static inline T norm2(npy_intp count, const T *x) /* also where the squares are beyond the range of floats */
{
    T s = inner_product(count, x, x), top = 0;
    if (s > (T)1e-30 && s < (T)1e30)
        return F(sqrt)(s);
    for (npy_intp i = 0; i < count; i++)
        top = F(fabs)(x[i]) > top || x[i] != x[i] ? F(fabs)(x[i]) : top;
    if (!(top > 0 && top < INFINITY))
        return top;
    s = 0;
    for (npy_intp i = 0; i < count; i++)
        s += x[i] / top * (x[i] / top);
    return top * F(sqrt)(s);
}

/* The sums from the first entry, or from the last one, along the middle of three axes. */
static void cumsum(npy_intp before, npy_intp n, npy_intp after, const T *x, T *restrict y, int backwards)
{
    const npy_intp step = backwards ? -after : after;
    for (npy_intp i = 0; i < before; i++) {
        const npy_intp first = (i * n + (backwards ? n - 1 : 0)) * after;
        for (npy_intp k = 0; n && k < after; k++)
            y[first + k] = x[first + k];
        for (npy_intp j = 1; j < n; j++) {
            const npy_intp at = first + j * step;
            for (npy_intp k = 0; k < after; k++)
                y[at + k] = y[at - step + k] + x[at + k];
        }
    }
}

/* -- functions of entries that the mathematical library does not have */

static inline T sign_of(T x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static inline T larger(T x, T y) { return x > y || x != x ? x : y; }
static inline T smaller(T x, T y) { return x < y || x != x ? x : y; }
#pragma omp declare reduction(larger : T : omp_out = larger(omp_in, omp_out)) initializer(omp_priv = -INFINITY)
#pragma omp declare reduction(smaller : T : omp_out = smaller(omp_in, omp_out)) initializer(omp_priv = INFINITY)
static inline T step(T x) { return x > 0 ? 1 : x <= 0 ? 0 : x; }
static inline T relu(T x) { return 0 > x ? 0 : x; } /* an instruction, that leaves NaN */
static inline T sigmoid(T x) { return 1 / (1 + F(exp)(-x)); }
static inline T softplus(T x) { return larger(x, 0) + F(log1p)(F(exp)(-F(fabs)(x))); }
static inline T log_gamma(T x) { return x == -INFINITY ? x : F(lgamma)(x); } /* as SciPy at -infinity */

/* The derivative of lgamma: by its recurrence and reflection, then by its asymptotic series.
 * Source: Abramowitz & Stegun (1964), equations 6.3.5, 6.3.7 and 6.3.18. */
static double digamma(double x)
{
    const double pi = 3.14159265358979323846;
    double y = 0;
    if (x == 0)
        return copysign(INFINITY, -x);
    if (x < 0) {
        const double r = x - floor(x + 0.5); /* from the next pole, exactly */
        if (!(r < 0 || r > 0))
            return NAN;
        y = -pi / tan(pi * r);
        x = 1 - x;
    }
    if (x < 8) { /* eight steps, the first with the last and so on: (x + k)(x + 7 - k) = p + k(7 - k) */
        const double p = x * (x + 7);
        y -= (2 * x + 7) * ((2 * p + 6) / (p * (p + 6)) + (2 * p + 22) / ((p + 10) * (p + 12)));
        x += 8;
    }
    const double z = 1 / (x * x);
    const double series = 1. / 12 - z * (1. / 120 - z * (1. / 252 - z * (1. / 240 - z * (1. / 132 - z * (691. / 32760 - z * (1. / 12 - z * 3617 / 8160))))));
    return y + log(x) - 0.5 / x - z * series;
}

/* The derivative of digamma. Source: as above, equations 6.4.6, 6.4.7 and 6.4.12. */
static double trigamma(double x)
{
    const double pi = 3.14159265358979323846;
    double y = 0, sign = 1;
    if (x <= 0) {
        const double r = x - floor(x + 0.5); /* from the next pole, exactly */
        if (!(r < 0 || r > 0))
            return INFINITY;
        y = pi / sin(pi * r) * (pi / sin(pi * r));
        x = 1 - x;
        sign = -1;
    }
    if (x < 8) { /* as there: 1/a² + 1/b² = ((a + b)² - 2ab)/(ab)² */
        const double p = x * (x + 7), s = (2 * x + 7) * (2 * x + 7);
        const double q[] = {p, p + 6, p + 10, p + 12};
        for (int k = 0; k < 4; k++)
            y += sign * (s - 2 * q[k]) / (q[k] * q[k]);
        x += 8;
    }
    const double z = 1 / (x * x);
    const double series = 1. / 6 - z * (1. / 30 - z * (1. / 42 - z * (1. / 30 - z * (5. / 66 - z * (691. / 2730 - z * (7. / 6 - z * 3617 / 510))))));
    return y + sign / x * (1 + 0.5 / x + z * series);
}

static inline T normal(T x) { return F(erfc)(x * (T)-0.70710678118654752440) / 2; }
static inline T gelutanh(T x) { return x / 2 * (1 + F(tanh)((T)0.79788456080286535588 * (x + (T)0.044715 * x * x * x))); }
static inline T logcosh(T x)
{
    const T size = F(fabs)(x);
    return size + F(log1p)(F(exp)(-2 * size)) - (T)0.69314718055994530942;
}
static inline T elu(T x, T a) { return x > 0 ? x : a * F(expm1)(smaller(x, 0)); }
static inline T huber(T x, T d)
{
    const T size = F(fabs)(x);
    return !(d >= 0) ? (T)NAN : size <= d ? x * x / 2 : d * (size - d / 2);
}
