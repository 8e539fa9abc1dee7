"""Naive twins: textbook loops with which the engine is compared. One run at a time, nothing stacked, nothing compiled."""

import math

import numpy as np
import torch
from torch import nn

from hw1bench import CosineAnnealingLR, ExponentialLR, StepLR, data, models
from hw1bench.specs import notation
from hw1bench.training.streams import seed_for


class Dropout(nn.Module):
    """Dropout number by number, drawn from the global generator: four 16-bit numbers, lowest bits first, per draw of 64 bits."""

    def __init__(self, p, maps):
        super().__init__()
        self.p, self.maps = p, maps

    def forward(self, x):
        if not self.training:
            return x
        shape = x.shape[:2] + (1,) * (x.ndim - 2) if self.maps else x.shape
        dropped = round(self.p * 2**16)  # of the 2^16 values, those that drop a number
        mask = []
        while len(mask) < math.prod(shape):
            word = torch.empty((), dtype=torch.int64).random_(-(2**63), None).item()
            for _ in range(4):
                signed = word % 2**16 - 2**16 * (word % 2**16 >= 2**15)
                mask.append(float(signed + 2**15 >= dropped))
                word >>= 16
        mask = torch.tensor(mask[: math.prod(shape)], dtype=x.dtype).view(shape)
        return x * mask / (1 - self.p)


def network(model):
    """Build the network of ``model`` from torch's modules, without ``models.build``."""
    activation = {
        "relu": nn.ReLU,
        "leaky_relu": lambda: nn.LeakyReLU(model.slope),
        "elu": nn.ELU,
        "selu": nn.SELU,
        "gelu": nn.GELU,
        "sigmoid": nn.Sigmoid,
        "tanh": nn.Tanh,
    }[model.activation]
    modules = []
    for layer in notation.parse(model.layout):
        if isinstance(layer, notation.Linear):
            modules.append(nn.Linear(layer.inputs, layer.outputs, bias=layer.bias))
            if layer.hidden:
                modules.append(activation())
        elif isinstance(layer, notation.Conv):
            options = {"stride": layer.stride, "padding": layer.padding, "bias": layer.bias}
            modules += [nn.Conv2d(layer.inputs, layer.outputs, layer.kernel, **options), activation()]
        elif isinstance(layer, notation.Pool):
            modules.append((nn.AvgPool2d if layer.average else nn.MaxPool2d)(layer.size))
        elif isinstance(layer, notation.Dropout):
            modules.append(Dropout(layer.p, layer.maps))
        elif isinstance(layer, notation.Flatten):
            modules.append(nn.Flatten())
        else:
            modules.append({"tanh": nn.Tanh(), "softmax": nn.Softmax(1), "logsoftmax": nn.LogSoftmax(1)}[layer.name])
    return nn.Sequential(*modules)


def optimizer(spec, parameters):
    """Return torch's plain optimiser, neither fused nor vectorised over tensors."""
    options = {"lr": spec.lr, "weight_decay": spec.weight_decay, "foreach": False}
    if spec.eps is not None:
        options["eps"] = spec.eps
    if spec.name == "sgd":
        options |= {"momentum": spec.momentum, "nesterov": spec.nesterov}
    return {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "adagrad": torch.optim.Adagrad,
        "rmsprop": torch.optim.RMSprop,
        "sgd": torch.optim.SGD,
    }[spec.name](parameters, **options)


def rate(lr, schedule, epoch):
    """Return the learning rate of ``epoch``, from 0, in closed form."""
    match schedule:
        case None:
            return lr
        case StepLR():
            return lr * schedule.factor ** (epoch // schedule.every)
        case ExponentialLR():
            return lr * schedule.factor**epoch
        case CosineAnnealingLR():
            share = (1 + math.cos(math.pi * epoch / schedule.over)) / 2
            return schedule.least + (lr - schedule.least) * share


def loss_function(name):
    return {"mse": nn.MSELoss(), "cross_entropy": nn.CrossEntropyLoss(), "nll": nn.NLLLoss()}[name]


def augmented(image, top, left, flip):
    """Pad ``image (channels, size, size)`` by 4 by reflection, crop it at ``top``, ``left`` of the padded image, and flip it."""
    size = image.shape[-1]
    padded = nn.functional.pad(image[None], (4, 4, 4, 4), mode="reflect")[0]
    crop = padded[:, top : top + size, left : left + size]
    return crop.flip(-1) if flip else crop


def batch_of(x, rows, generator):
    """Return the images ``rows`` of ``x``; if a ``generator`` is given, they are augmented one by one."""
    if generator is None:
        return x[rows]
    corners = torch.randint(9, (2, len(rows)), generator=generator).T.tolist()
    flips = (torch.rand(len(rows), generator=generator) < 0.5).tolist()
    return torch.stack([augmented(x[i], *corner, flip) for i, corner, flip in zip(rows, corners, flips, strict=True)])


def train(report, experiment, arm, seed, library=data.BUILT_IN):
    """Train one run as reports write it. Return its training losses (epochs + 1,) and its last weights (parameters,)."""
    losses, weights, _, _ = _loop(report, experiment, arm, seed, library)
    return losses, weights


def coasted(report, experiment, arm, seed, library=data.BUILT_IN):
    """Return the length of a further step with a gradient of zero, relative to the norm of the weights."""
    _, before, _, step = _loop(report, experiment, arm, seed, library)
    step.zero_grad(set_to_none=False)
    step.step()
    after = torch.cat([p.detach().flatten() for group in step.param_groups for p in group["params"]]).numpy()
    return np.linalg.norm(after - before) / np.linalg.norm(before)


def gradient_norms(report, experiment, arm, seed, library=data.BUILT_IN):
    """Return the arrays that ``arm.gradient_norm`` asks for, by their names in a record."""
    _, _, norms, _ = _loop(report, experiment, arm, seed, library)
    if arm.gradient_norm == "last batch":
        return {"last_batch_norm": np.array(norms["last batch"])}
    found = {"gradient_norm": np.array(norms[arm.gradient_norm])}
    return found | ({"step_loss": np.array(norms["step_loss"])} if arm.gradient_norm == "step" else {})


def _norm(net):
    return torch.cat([p.grad.flatten() for p in net.parameters()]).norm().item()


def _loop(report, experiment, arm, seed, library):
    dtype = getattr(torch, arm.precision)
    dataset = library.load(arm.data)
    x = dataset.train.x.to(dtype)
    y = dataset.train.y.to(dtype) if arm.loss == "mse" else dataset.train.y
    augment = None
    if arm.loss != "mse":
        if arm.data.random_labels:
            drawn = torch.Generator().manual_seed(seed_for(report, experiment, "labels", seed))
            y = torch.randint(dataset.classes, (len(x),), generator=drawn)
        if arm.data.augment:
            augment = torch.Generator().manual_seed(seed_for(report, experiment, "augment", seed))
    flat = not any(isinstance(layer, notation.Conv) for layer in notation.parse(arm.model.layout))
    net = network(arm.model)
    generator = torch.Generator().manual_seed(seed_for(report, experiment, "init", seed))
    models.initialise(net, arm.model, generator)
    net = net.to(dtype)
    step = optimizer(arm.optimizer, net.parameters())
    loss = loss_function(arm.loss)
    order = torch.Generator().manual_seed(seed_for(report, experiment, "order", seed))
    with torch.random.fork_rng():
        torch.manual_seed(seed_for(report, experiment, "dropout", seed))
        losses = []
        norms = {"epoch": [], "step": [], "step_loss": [], "last batch": []}
        for epoch in range(arm.epochs + 1):
            net.eval()
            whole = loss(net(x.flatten(1) if flat else x), y)
            losses.append(whole.item())
            if arm.gradient_norm == "epoch":
                step.zero_grad()
                whole.backward()
                norms["epoch"].append(_norm(net))
            net.train()
            if epoch == arm.epochs:
                break
            rows = torch.arange(len(x)) if arm.batch_size is None else torch.randperm(len(x), generator=order)
            for batch in rows.split(arm.batch_size or len(x)):
                inputs = batch_of(x, batch, augment)
                step.zero_grad()
                found = loss(net(inputs.flatten(1) if flat else inputs), y[batch])
                found.backward()
                if arm.gradient_norm == "step":
                    norms["step"].append(_norm(net))
                    norms["step_loss"].append(found.item())
                step.step()  # which does not change the gradient
            if arm.gradient_norm == "last batch":
                tensor_norms = [p.grad.norm().item() for p in net.parameters()]
                norms["last batch"].append(sum(tensor_norms) / len(tensor_norms))
            for group in step.param_groups:
                group["lr"] = rate(arm.optimizer.lr, arm.schedule, epoch + 1)
    return np.array(losses), torch.cat([p.detach().flatten() for p in net.parameters()]).numpy(), norms, step


def share_in_order(values, over):
    """Count the share of pairs in order, pair by pair."""
    pairs = [(i, j) for i in range(len(values)) for j in range(i)]
    agree = sum((values[i] - values[j]) * (over[i] - over[j]) > 0 for i, j in pairs)
    return agree / len(pairs)


def order_margin(values, over, threshold):
    """Find the margin of an order by going through all pairs, then through the values at both ends."""
    products = [(values[i] - values[j]) * (over[i] - over[j]) for i in range(len(values)) for j in range(i)]
    if not any(products):
        return math.nan
    first = [value for value, place in zip(values, over, strict=True) if place == min(over)]
    last = [value for value, place in zip(values, over, strict=True) if place == max(over)]
    if len(values) >= 4 and not all(low < high for low in first for high in last):
        return -threshold
    return share_in_order(values, over) - threshold


def clopper_pearson(holds, seeds, level):
    """Find the exact interval by bisection on the two binomial tails."""

    def tail(share, counts):
        return sum(math.comb(seeds, k) * share**k * (1 - share) ** (seeds - k) for k in counts)

    def solve(counts, rising):
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            below = tail(middle, counts) < (1 - level) / 2
            low, high = (middle, high) if below == rising else (low, middle)
        return (low + high) / 2

    return (
        0.0 if holds == 0 else solve(range(holds, seeds + 1), rising=True),
        1.0 if holds == seeds else solve(range(holds + 1), rising=False),
    )


def hessian_double_backward(model, weights, x, y):
    """Return the Hessian at one point (parameters,), row by row: each entry of the gradient is differentiated by itself."""
    net = network(model).double()
    nn.utils.vector_to_parameters(weights, net.parameters())
    parameters = list(net.parameters())
    loss = nn.functional.mse_loss(net(x), y)
    gradient = torch.cat([g.flatten() for g in torch.autograd.grad(loss, parameters, create_graph=True)])
    rows = []
    for entry in gradient:
        row = torch.autograd.grad(entry, parameters, retain_graph=True, materialize_grads=True)
        rows.append(torch.cat([part.flatten() for part in row]))
    return torch.stack(rows)


def walk(step_lengths, weights, generator):
    """Return the snapshots (steps + 1, weights) of a random walk, with each step in a random direction."""
    place, places = np.zeros(weights), [np.zeros(weights)]
    for length in step_lengths:
        direction = generator.standard_normal(weights)
        place = place + length * direction / np.linalg.norm(direction)
        places.append(place)
    return np.array(places)


def share_of_variance(snapshots, components):
    """Return the share of variance by the singular values of the centred ``snapshots (..., snapshots, weights)``."""
    squares = np.linalg.svd(snapshots - snapshots.mean(-2, keepdims=True), compute_uv=False) ** 2
    return squares[..., :components].sum(-1) / squares.sum(-1)


def separation(own, other):
    """Return the log of the median ratio of distances, snapshot by snapshot."""
    ratios = []
    for i, here in enumerate(own):
        far = min(np.linalg.norm(here - there) for there in other)
        near = min(np.linalg.norm(here - there) for j, there in enumerate(own) if j != i)
        ratios.append(far / near)
    return np.log(np.median(ratios))


def faster(one, other, threshold, within=None):
    """Return the log of the ratio of the first epochs with a loss of at most ``threshold``, over the common epochs of two
    histories, which begin before training."""
    common = min(len(one), len(other)) - 1
    if within is not None:
        common = min(common, within)

    def first(losses):
        for epoch in range(1, common + 1):
            if losses[epoch] <= threshold:
                return epoch
        return common + 1

    return np.log(first(other)) - np.log(first(one))


def lower_loss(one, other, variance):
    """Return the log of the ratio of two losses of fits, ``other`` over ``one``; 0 if both are perfect, or differ by less than
    1 %."""
    perfect = 1e-6 * variance
    if one <= perfect and other <= perfect:
        return 0.0
    one, other = max(one, perfect), max(other, perfect)
    return 0.0 if max(one, other) / min(one, other) < 1.01 else np.log(other / one)


def relative_convergence(own, other):
    """Return 1 - the relative distance at the end over the relative distance at the start."""

    def relative(here, there):
        return np.linalg.norm(here - there) / np.sqrt(np.linalg.norm(here) * np.linalg.norm(there))

    return 1 - relative(own[-1], other[-1]) / relative(own[0], other[0])


def _loaded(model, weights):
    net = network(model).to(weights.dtype).eval()
    nn.utils.vector_to_parameters(weights, net.parameters())
    return net


def mixtures(model, first, second, alphas, x, y, loss):
    """Return loss and accuracy (alphas,) between two nets (parameters,). Mixed weights are loaded one after the other."""
    losses, accuracies = [], []
    with torch.no_grad():
        for alpha in alphas:
            output = _loaded(model, (1 - alpha) * first + alpha * second)(x)
            losses.append(loss_function(loss)(output, y).item())
            accuracies.append((output.argmax(1) == y).double().mean().item())
    return np.array(losses), np.array(accuracies)


def jacobian_norm(model, weights, x):
    """Return the mean Jacobian norm of one net (parameters,), input by input and class by class."""
    net = _loaded(model, weights)
    turned = {"softmax": lambda h: h, "logsoftmax": torch.exp}.get(
        getattr(notation.parse(model.layout)[-1], "name", ""), lambda h: h.softmax(1)
    )
    norms = []
    for sample in x:
        sample = sample[None].clone().requires_grad_()
        p = turned(net(sample))[0]
        rows = [torch.autograd.grad(each, sample, retain_graph=True)[0] for each in p]
        norms.append(torch.stack(rows).norm().item())
    return np.mean(norms)
