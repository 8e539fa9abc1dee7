"""Functions of six weights that use what torch has a second derivative of, for the Hessian of any function: a row each."""

import torch
import torch.nn.functional as F

FLOAT64 = {"dtype": torch.float64}


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), **FLOAT64)


X = drawn(7, 6)  # samples, features
IMAGES = drawn(2, 4, 6, 6, seed=1)
SIGNALS = drawn(2, 4, 8, seed=2)
CLASSES = torch.tensor([0, 2, 1, 1, 0, 2, 2])
SQUARE = drawn(3, 3, seed=3)
MEANS, VARIANCES = drawn(4, seed=4), drawn(4, seed=5).exp()


def images(w):
    """(2, 4, 6, 6) that bend with the weights."""
    return torch.tanh(w[0] * IMAGES + w[1] * IMAGES.flip(2) + w[2]) + w[3] * IMAGES.flip(3)


def signals(w):
    return torch.tanh(w[0] * SIGNALS + w[1] * SIGNALS.flip(2) + w[2]) + w[3] * SIGNALS.flip(1)


def rows(w):
    """(7, 6)."""
    return w * X + torch.sin(w.flip(0)) * X.flip(1)


def logits(w):
    """(7, 3)."""
    return rows(w)[:, :3] * rows(w)[:, 3:]


def positive(w):
    """(3, 3) symmetric, positive definite."""
    a = SQUARE + torch.outer(w[:3], w[3:])
    return a @ a.T + torch.eye(3, **FLOAT64)


def cubed(tensor):
    return (tensor**3).mean() + tensor.square().mean()


def normalised(w):
    """What a normalisation takes: gain and shift that depend on the weights too."""
    return {"weight": w[:4] ** 2 + 1, "bias": w[2:] + w[0]}


NORMALISATIONS = {
    "layer_norm": lambda w: cubed(F.layer_norm(rows(w), (6,), w + 1, w.flip(0))),
    "layer_norm without gain": lambda w: cubed(F.layer_norm(rows(w), (6,))),
    "layer_norm of images": lambda w: cubed(F.layer_norm(images(w), (4, 6, 6))),
    "group_norm": lambda w: cubed(F.group_norm(images(w), 2, **normalised(w))),
    "batch_norm of the batch": lambda w: cubed(F.batch_norm(images(w), None, None, **normalised(w), training=True)),
    "batch_norm of rows": lambda w: cubed(F.batch_norm(rows(w), None, None, w + 1, w.flip(0), training=True)),
    "batch_norm of a running mean": lambda w: cubed(F.batch_norm(images(w), MEANS, VARIANCES, **normalised(w))),
    "instance_norm": lambda w: cubed(F.instance_norm(images(w), **normalised(w))),
    "rms_norm": lambda w: cubed(F.rms_norm(rows(w), (6,), w + 1)),
    "local_response_norm": lambda w: cubed(F.local_response_norm(images(w), 3, alpha=0.5)),
    "normalize": lambda w: cubed(F.normalize(rows(w), dim=1)),
    "cosine_similarity": lambda w: cubed(F.cosine_similarity(rows(w), X.flip(0))),
}

FILTERS = {
    "conv1d": lambda w: cubed(F.conv1d(signals(w), (w[:4, None] * w[None, 2:])[:, :, None].tanh(), padding=1)),
    "conv2d": lambda w: cubed(F.conv2d(images(w), torch.outer(w[:4], w[2:]).sin()[..., None, None] * SQUARE)),
    "conv2d, grouped, strided": lambda w: cubed(
        F.conv2d(images(w), (w[:4, None, None, None] * SQUARE).sin(), groups=4, stride=2, padding=1)
    ),
    "conv3d": lambda w: cubed(F.conv3d(images(w)[:, None], (w[0] * w[1] * SQUARE).sin()[None, None, None])),
    "conv_transpose1d": lambda w: cubed(
        F.conv_transpose1d(signals(w), torch.outer(w[:4], w[4:])[..., None].expand(-1, -1, 3), stride=2)
    ),
    "conv_transpose2d": lambda w: cubed(
        F.conv_transpose2d(images(w), torch.outer(w[:4], w[4:]).sin()[..., None, None] * SQUARE)
    ),
    "max_pool1d": lambda w: cubed(F.max_pool1d(signals(w), 3, 2)),
    "max_pool2d": lambda w: cubed(F.max_pool2d(images(w), 2)),
    "avg_pool1d": lambda w: cubed(F.avg_pool1d(signals(w), 3, 2)),
    "avg_pool2d": lambda w: cubed(F.avg_pool2d(images(w), 2)),
    "adaptive_avg_pool2d": lambda w: cubed(F.adaptive_avg_pool2d(images(w), (3, 4))),
    "adaptive_max_pool2d": lambda w: cubed(F.adaptive_max_pool2d(images(w), (3, 2))),
    "lp_pool1d": lambda w: cubed(F.lp_pool1d(signals(w) ** 2 + 0.1, 3, 2)),
    "lp_pool2d": lambda w: cubed(F.lp_pool2d(images(w) ** 2 + 0.1, 3, 2)),
    "pad, reflecting": lambda w: cubed(F.pad(images(w), (1, 1, 2, 2), mode="reflect")),
    "pad, circular": lambda w: cubed(F.pad(images(w), (1, 1, 2, 2), mode="circular")),
    "unfold": lambda w: cubed(F.unfold(images(w), 3)),
    "interpolate, nearest": lambda w: cubed(F.interpolate(images(w), scale_factor=2)),
    "interpolate, bilinear": lambda w: cubed(F.interpolate(images(w), size=(4, 9), mode="bilinear")),
    "interpolate, bicubic": lambda w: cubed(F.interpolate(images(w), size=(4, 9), mode="bicubic")),
    "pixel_shuffle": lambda w: cubed(F.pixel_shuffle(images(w), 2)),
}

ACTIVATIONS = {
    name: lambda w, act=act: cubed(act(rows(w)))
    for name, act in {
        "relu": F.relu,
        "relu6": F.relu6,
        "leaky_relu": F.leaky_relu,
        "prelu": lambda z: F.prelu(z, z[:1, 0].tanh()),
        "rrelu, fixed": lambda z: F.rrelu(z, training=False),
        "celu": lambda z: F.celu(z, 0.7),
        "elu": lambda z: F.elu(z, 1.3),
        "selu": F.selu,
        "gelu": F.gelu,
        "gelu, tanh": lambda z: F.gelu(z, approximate="tanh"),
        "silu": F.silu,
        "mish": F.mish,
        "softplus": lambda z: F.softplus(z, 2.0),
        "softsign": F.softsign,
        "tanh": torch.tanh,
        "tanhshrink": F.tanhshrink,
        "softshrink": F.softshrink,
        "hardshrink": F.hardshrink,
        "threshold": lambda z: F.threshold(z, 0.1, 0.1),
        "sigmoid": torch.sigmoid,
        "logsigmoid": F.logsigmoid,
        "hardswish": F.hardswish,
        "hardtanh": F.hardtanh,
        "glu": F.glu,
        "softmax": lambda z: F.softmax(z, 1),
        "softmin": lambda z: F.softmin(z, 1),
        "log_softmax": lambda z: F.log_softmax(z, 1),
    }.items()
}

LOSSES = {
    "cross_entropy": lambda w: F.cross_entropy(logits(w), CLASSES),
    "cross_entropy, smoothed, weighted": lambda w: F.cross_entropy(
        logits(w), CLASSES, weight=MEANS[:3].exp(), label_smoothing=0.1
    ),
    "cross_entropy of probabilities": lambda w: F.cross_entropy(logits(w), logits(w.flip(0)).softmax(1)),
    "nll": lambda w: F.nll_loss(F.log_softmax(logits(w), 1), CLASSES),
    "huber": lambda w: F.huber_loss(rows(w), X, delta=0.7),
    "smooth_l1": lambda w: F.smooth_l1_loss(rows(w), X, beta=0.7),
    "l1": lambda w: F.l1_loss(rows(w) ** 2, X),
    "mse": lambda w: F.mse_loss(rows(w), X),
    "bce": lambda w: F.binary_cross_entropy(rows(w).sigmoid(), X.sigmoid()),
    "bce with logits": lambda w: F.binary_cross_entropy_with_logits(rows(w), X.sigmoid(), weight=X.exp()),
    "kl_div": lambda w: F.kl_div(rows(w).log_softmax(1), X.softmax(1), reduction="batchmean"),
    "soft margin": lambda w: F.soft_margin_loss(rows(w), X.sign()),
    "triplet": lambda w: F.triplet_margin_loss(rows(w), X, X.flip(0), margin=5.0),
    "poisson": lambda w: F.poisson_nll_loss(rows(w), X.exp()),
    "gaussian": lambda w: F.gaussian_nll_loss(rows(w), X, rows(w.flip(0)) ** 2 + 0.1),
    "hinge": lambda w: F.hinge_embedding_loss(rows(w) ** 2, X.sign()),
}

PRODUCTS = {
    "matmul": lambda w: cubed(torch.outer(w[:3], w[3:]).sin() @ SQUARE @ w[:3]),
    "einsum": lambda w: torch.einsum("i,j,ij,jk,k->", w[:3], w[3:], SQUARE, SQUARE, w[:3]),
    "bilinear": lambda w: cubed(F.bilinear(w[:3].sin(), w[3:], drawn(2, 3, 3))),
    "baddbmm": lambda w: cubed(torch.baddbmm(X[None], rows(w)[None], torch.outer(w, w)[None])),
    "kron": lambda w: cubed(torch.kron(w[:3], w[3:].sin())),
    "attention": lambda w: cubed(
        F.scaled_dot_product_attention(rows(w)[None], rows(w.flip(0))[None], X[None] * w, is_causal=True)
    ),
    "attention of four axes": lambda w: cubed(
        F.scaled_dot_product_attention(rows(w)[None, None], rows(w.flip(0))[None, None], X[None, None] * w)
    ),
    "cross": lambda w: cubed(torch.linalg.cross(w[:3].sin(), w[3:] ** 2)),
    "fft": lambda w: cubed(torch.fft.rfft(rows(w)).abs()),
    "complex": lambda w: (torch.complex(w[:3], w[3:]) ** 3).abs().square().sum(),
}

LINEAR_ALGEBRA = {
    "det": lambda w: torch.linalg.det(positive(w)),
    "slogdet": lambda w: torch.linalg.slogdet(positive(w)).logabsdet,
    "inv": lambda w: cubed(torch.linalg.inv(positive(w))),
    "pinv": lambda w: cubed(torch.linalg.pinv(positive(w))),
    "cholesky": lambda w: cubed(torch.linalg.cholesky(positive(w))),
    "cholesky_inverse": lambda w: cubed(torch.cholesky_inverse(torch.linalg.cholesky(positive(w)))),
    "solve": lambda w: cubed(torch.linalg.solve(positive(w), w[:3])),
    "solve_triangular": lambda w: cubed(torch.linalg.solve_triangular(positive(w).triu(), w[:3, None], upper=True)),
    "lstsq": lambda w: cubed(torch.linalg.lstsq(rows(w)[:, :3], X[:, :1]).solution),
    "eigvalsh": lambda w: cubed(torch.linalg.eigvalsh(positive(w))),
    "svdvals": lambda w: cubed(torch.linalg.svdvals(positive(w))),
    "qr": lambda w: cubed(torch.linalg.qr(positive(w)).R),
    "matrix_exp": lambda w: cubed(torch.linalg.matrix_exp(torch.outer(w[:3], w[3:]))),
    "matrix_power": lambda w: cubed(torch.linalg.matrix_power(torch.outer(w[:3], w[3:]), 3)),
    "nuclear norm": lambda w: torch.linalg.matrix_norm(positive(w), "nuc"),
}

REDUCTIONS = {
    "norm": lambda w: rows(w).norm() ** 3,
    "norm of order 3": lambda w: cubed(torch.linalg.vector_norm(rows(w), 3, dim=1)),
    "norm of order 1": lambda w: cubed(torch.linalg.vector_norm(rows(w), 1, dim=1)),
    "largest": lambda w: cubed(torch.linalg.vector_norm(rows(w), torch.inf, dim=1)),
    "prod": lambda w: w.prod() + rows(w).prod(1).sum(),
    "cumsum": lambda w: cubed(rows(w).cumsum(1)),
    "cumprod": lambda w: cubed(rows(w).cumprod(1)),
    "cummax": lambda w: cubed(rows(w).cummax(1).values),
    "logsumexp": lambda w: cubed(rows(w).logsumexp(1)),
    "logcumsumexp": lambda w: cubed(rows(w).logcumsumexp(1)),
    "var": lambda w: cubed(rows(w).var(1)),
    "std": lambda w: cubed(rows(w).std(1)),
    "sort": lambda w: cubed(rows(w).sort(1).values * X),
    "topk": lambda w: cubed(rows(w).topk(3, 1).values),
    "median": lambda w: cubed(rows(w).median(1).values),
    "quantile": lambda w: cubed(rows(w).quantile(0.3, 1)),
    "amax": lambda w: cubed(rows(w).amax(1)),
    "min": lambda w: cubed(rows(w).min(1).values),
    "trapezoid": lambda w: cubed(torch.trapezoid(rows(w), w.cumsum(0), dim=1)),
    "renorm": lambda w: cubed(torch.renorm(rows(w), 2, 0, 0.5)),
    "dist": lambda w: torch.dist(rows(w), X) ** 3,
}

ELEMENTWISE = {
    name: lambda w, act=act: cubed(act(rows(w)))
    for name, act in {
        "pow": lambda z: (z**2 + 0.1) ** z,
        "sqrt": lambda z: (z**2 + 0.1).sqrt(),
        "rsqrt": lambda z: (z**2 + 0.1).rsqrt(),
        "log": lambda z: (z**2 + 0.1).log(),
        "log1p": lambda z: (z**2).log1p(),
        "exp": torch.exp,
        "expm1": torch.expm1,
        "sinc": torch.sinc,
        "erf": torch.erf,
        "erfinv": lambda z: torch.erfinv(z.tanh() / 2),
        "erfc": torch.erfc,
        "lgamma": lambda z: (z**2 + 0.5).lgamma(),
        "digamma": lambda z: (z**2 + 0.5).digamma(),
        "i0": torch.i0,
        "i1": torch.special.i1,
        "ndtri": lambda z: torch.special.ndtri(z.sigmoid()),
        "log_ndtr": torch.special.log_ndtr,
        "xlogy": lambda z: torch.xlogy(z, z**2 + 0.1),
        "entr": lambda z: torch.special.entr(z**2 + 0.1),
        "logit": lambda z: z.sigmoid().logit(),
        "asinh": torch.asinh,
        "acosh": lambda z: (z**2 + 1.5).acosh(),
        "atanh": lambda z: (z.tanh() / 2).atanh(),
        "asin": lambda z: (z.tanh() / 2).asin(),
        "acos": lambda z: (z.tanh() / 2).acos(),
        "atan": torch.atan,
        "atan2": lambda z: torch.atan2(z, z.flip(1) + 0.3),
        "hypot": lambda z: torch.hypot(z, z.flip(1) + 0.3),
        "logaddexp": lambda z: torch.logaddexp(z, z.flip(1) ** 2),
        "tan": lambda z: (z / 4).tan(),
        "cosh": torch.cosh,
        "sinh": torch.sinh,
        "abs": torch.abs,
        "reciprocal": lambda z: (z**2 + 0.1).reciprocal(),
        "div": lambda z: z / (z.flip(1) ** 2 + 0.1),
        "remainder": lambda z: torch.remainder(z, 0.7),
        "frac": torch.frac,
        "clamp": lambda z: z.clamp(-0.5, 0.8),
        "where": lambda z: torch.where(z > 0.2, z**3, z.sin()),
        "lerp": lambda z: torch.lerp(z, z.flip(1) ** 2, z.sigmoid()),
        "addcmul": lambda z: torch.addcmul(z, z.flip(1), z.sin()),
        "addcdiv": lambda z: torch.addcdiv(z, z.flip(1), z**2 + 0.1),
        "polygamma": lambda z: torch.polygamma(1, z**2 + 0.5),
        "maximum": lambda z: torch.maximum(z, z.flip(1)),
        "nan_to_num": torch.nan_to_num,
    }.items()
}

INDEXING = {
    "embedding": lambda w: cubed(F.embedding(CLASSES, torch.outer(w[:3], w).sin())),
    "indices": lambda w: cubed(rows(w)[CLASSES, CLASSES]),
    "gather": lambda w: cubed(rows(w).gather(1, CLASSES[:, None])),
    "scatter_add": lambda w: cubed(torch.zeros(3, 6, **FLOAT64).index_add(0, CLASSES, rows(w))),
    "masked_select": lambda w: cubed(rows(w)[X > 0]),
    "in place": lambda w: cubed(rows(w).mul_(w.sin()).clamp_(-2, 2)),
    "in place, of what is given": lambda w: w.mul_(2).sin().prod(),
    "written to": lambda w: cubed(torch.zeros(7, 6, **FLOAT64).copy_(rows(w)) * w),
    "chosen by a value": lambda w: cubed(rows(w)) if w.sum() > 0 else w.sin().sum(),
    "by vmap": lambda w: cubed(torch.func.vmap(lambda x: torch.tanh(w * x))(X)),
    "its gradient's norm": lambda w: torch.func.grad(lambda v: cubed(rows(v)))(w).square().sum(),
}

CALLED = {
    name: function
    for group in (
        NORMALISATIONS,
        FILTERS,
        ACTIVATIONS,
        LOSSES,
        PRODUCTS,
        LINEAR_ALGEBRA,
        REDUCTIONS,
        ELEMENTWISE,
        INDEXING,
    )
    for name, function in group.items()
}

# What torch has no second derivative of, or (the fused weight norm) a wrong one.
UNSUPPORTED = {
    "weight_norm": lambda w: cubed(X @ torch._weight_norm(rows(w)[:3].T, w[:3], 1)),
    "hardsigmoid": lambda w: cubed(F.hardsigmoid(rows(w))),
    "multi margin": lambda w: F.multi_margin_loss(logits(w), CLASSES),
    "ctc": lambda w: F.ctc_loss(
        logits(w).log_softmax(1)[:, None], torch.tensor([[1, 2]]), torch.tensor([7]), torch.tensor([2])
    ),
    "cdist": lambda w: cubed(torch.cdist(rows(w)[:3], X[3:])),
    "embedding_bag": lambda w: cubed(F.embedding_bag(CLASSES[None], torch.outer(w[:3], w).sin())),
    "grid_sample": lambda w: cubed(
        F.grid_sample(IMAGES, torch.outer(w, w)[None, :, :2, None].expand(2, -1, -1, 2).tanh(), align_corners=False)
    ),
}
