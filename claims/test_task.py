"""Real tasks, deep against shallow: do deeper nets learn faster, and better?"""

from operator import attrgetter

import pytest

from hw1bench import Claim
from hw1bench.effects import (
    accuracy_above,
    ahead,
    alike,
    descending,
    differ,
    every,
    falls,
    falls_over_epochs,
    highest,
    highest_loss,
    lower_loss,
    lowest,
    near,
    plateaus,
)
from hw1bench.sources import a, b, c, d, e

A_WHERE, B_WHERE, C_WHERE, D_WHERE, E_WHERE = (
    "1-1-3",
    "HW 1_1, train on actual task",
    "1-1 B",
    "1.2",
    "HW1, train on actual task",
)
# The table of report B: net -> test accuracy, training accuracy, test loss, training loss.
B_TABLE = {
    1: (0.5436, 0.5516, 1.924, 1.919),
    2: (0.6585, 0.6754, 0.966, 0.926),
    7: (0.7357, 0.7406, 0.953, 0.980),
}
D_ACCURACIES = {1: 0.9871, 2: 0.9803, 3: 0.9881}

CLAIMS = [
    Claim(
        "A-task-cnn1-best",
        report="A",
        question="nets",
        where=A_WHERE,
        says="CNN-1 has the lowest training loss and the highest test accuracy.",
        experiment=a.TASK,
        effect=every(
            lowest("train_loss", "CNN-1", among=("CNN-2", "CNN-3")),
            highest("test_accuracy", "CNN-1", among=("CNN-2", "CNN-3")),
        ),
        figure="accuracies",
    ),
    Claim(
        "A-task-cnn2-worst",
        report="A",
        question="nets",
        where=A_WHERE,
        says="CNN-2 is the worst in test accuracy.",
        experiment=a.TASK,
        effect=lowest("test_accuracy", "CNN-2", among=("CNN-1", "CNN-3")),
        figure="accuracies",
    ),
    Claim(
        "A-task-cnn2-worst-loss",
        report="A",
        question="nets",
        where=A_WHERE,
        says="CNN-2 is the worst in training loss.",
        experiment=a.TASK,
        effect=highest_loss("CNN-2", among=("CNN-1", "CNN-3")),
        figure="losses",
    ),
    Claim(
        "B-task-order",
        report="B",
        question="nets",
        where=B_WHERE,
        says="Test accuracy is highest for cifar-7, then cifar-2, then cifar-1.",
        experiment=b.TASK,
        effect=descending("test_accuracy", "cifar-7", "cifar-2", "cifar-1"),
        figure="accuracies",
    ),
    Claim(
        "B-task-loss-follows",
        report="B",
        where=B_WHERE,
        says="Among the three nets, a lower test loss goes with a higher test accuracy.",
        experiment=b.TASK,
        effect=falls("test_accuracy", over="test_loss"),
        figure="losses",
    ),
    Claim(
        "B-task-loss-follows-train",
        report="B",
        where=B_WHERE,
        says="Among the three nets, a lower training loss goes with a higher training accuracy.",
        experiment=b.TASK,
        effect=falls("train_accuracy", over="train_loss"),
        figure="losses",
    ),
    *(
        Claim(
            f"B-task-acc-{number}",
            report="B",
            where=B_WHERE,
            says=f"cifar-{number} ends with a test accuracy of {accuracy:.2%}.",
            experiment=b.TASK,
            full_only=True,
            effect=near("test_accuracy", accuracy, arm=f"cifar-{number}", within=0.03),
            figure="accuracies",
            assumptions=("within 3 points",),
            stated=("reported",),
        )
        for number, (accuracy, _, _, _) in B_TABLE.items()
    ),
    *(
        Claim(
            f"B-task-train-acc-{number}",
            report="B",
            where=B_WHERE,
            says=f"cifar-{number} ends with a training accuracy of {accuracy:.2%}.",
            experiment=b.TASK,
            full_only=True,
            effect=near("train_accuracy", accuracy, arm=f"cifar-{number}", within=0.03),
            figure="accuracies",
            assumptions=("within 3 points",),
            stated=("reported",),
        )
        for number, (_, accuracy, _, _) in B_TABLE.items()
    ),
    *(
        Claim(
            f"B-task-loss-{number}",
            report="B",
            where=B_WHERE,
            says=f"cifar-{number} ends with a test loss of {loss}.",
            experiment=b.TASK,
            full_only=True,
            effect=near("test_loss", loss, arm=f"cifar-{number}", within=0.05),
            figure="losses",
            assumptions=("within 5 %",),
            stated=("reported",),
        )
        for number, (_, _, loss, _) in B_TABLE.items()
    ),
    *(
        Claim(
            f"B-task-train-loss-{number}",
            report="B",
            where=B_WHERE,
            says=f"cifar-{number} ends with a training loss of {loss:.3f}.",
            experiment=b.TASK,
            full_only=True,
            effect=near("train_loss", loss, arm=f"cifar-{number}", within=0.05),
            figure="losses",
            assumptions=("within 5 %",),
            stated=("reported",),
        )
        for number, (_, _, _, loss) in B_TABLE.items()
    ),
    *(
        Claim(
            f"B-task-plateau-20-{number}",
            report="B",
            where=B_WHERE,
            says=f"The accuracy of cifar-{number} plateaus after 20 of 100 epochs.",
            experiment=b.TASK,
            effect=plateaus("test_accuracy", arm=f"cifar-{number}", after=0.2, within=0.01),
            figure="accuracies",
            assumptions=("plateau: test accuracy gains less than 1 point afterwards; a fall does not count",),
            stated=("after",),
        )
        for number in B_TABLE
    ),
    *(
        Claim(
            f"B-task-plateau-loss-20-{number}",
            report="B",
            where=B_WHERE,
            says=f"The loss of cifar-{number} plateaus after 20 of 100 epochs.",
            experiment=b.TASK,
            effect=plateaus("test_loss", arm=f"cifar-{number}", after=0.2, within=0.02),
            figure="losses",
            assumptions=(
                "plateau: test loss falls by less than 0.02 of its logarithm afterwards; a rise does not count",
            ),
            stated=("after",),
        )
        for number in B_TABLE
    ),
    Claim(
        "C-task-mnist-deeper-loss-faster",
        report="C",
        question="nets",
        where=C_WHERE,
        says="On MNIST the training loss of the deeper nets, mnist-2 and mnist-3, falls faster than for mnist-1.",
        experiment=c.TASK_MNIST,
        effect=every(
            ahead("train_loss", "mnist-2", of="mnist-1", first_share=5 / 20),
            ahead("train_loss", "mnist-3", of="mnist-1", first_share=5 / 20),
        ),
        figure="losses",
        assumptions=("faster: ahead on average over the first 5 of 20 epochs",),
    ),
    Claim(
        "C-task-mnist-deeper-accuracy-faster",
        report="C",
        question="nets",
        where=C_WHERE,
        says="On MNIST the deeper nets, mnist-2 and mnist-3, gain training accuracy faster than mnist-1.",
        experiment=c.TASK_MNIST,
        effect=every(
            ahead("train_accuracy", "mnist-2", of="mnist-1", first_share=5 / 20),
            ahead("train_accuracy", "mnist-3", of="mnist-1", first_share=5 / 20),
        ),
        figure="accuracies",
        assumptions=("faster: ahead on average over the first 5 of 20 epochs",),
    ),
    Claim(
        "C-task-cifar-deeper-loss-faster",
        report="C",
        question="nets",
        where=C_WHERE,
        says="On CIFAR-10 the training loss of the deepest net, cifar-2, falls faster than for cifar-1 and cifar-3.",
        experiment=c.TASK_CIFAR,
        effect=every(
            ahead("train_loss", "cifar-2", of="cifar-1", first_share=5 / 50),
            ahead("train_loss", "cifar-2", of="cifar-3", first_share=5 / 50),
        ),
        figure="losses",
        assumptions=("faster: ahead on average over the first 5 of 50 epochs",),
    ),
    Claim(
        "C-task-cifar-deeper-accuracy-faster",
        report="C",
        question="nets",
        where=C_WHERE,
        says="On CIFAR-10 the deepest net, cifar-2, gains training accuracy faster than cifar-1 and cifar-3.",
        experiment=c.TASK_CIFAR,
        effect=every(
            ahead("train_accuracy", "cifar-2", of="cifar-1", first_share=5 / 50),
            ahead("train_accuracy", "cifar-2", of="cifar-3", first_share=5 / 50),
        ),
        figure="accuracies",
        assumptions=("faster: ahead on average over the first 5 of 50 epochs",),
    ),
    Claim(
        "C-task-mnist-similar",
        report="C",
        question="nets",
        where=C_WHERE,
        says="On MNIST the three nets end with similar accuracy.",
        experiment=c.TASK_MNIST,
        effect=alike("train_accuracy", "mnist-1", "mnist-2", "mnist-3", within=0.01),
        figure="accuracies",
        assumptions=("similar: training accuracies within 1 point",),
    ),
    Claim(
        "C-task-cifar-differ",
        report="C",
        question="nets",
        where=C_WHERE,
        says="On CIFAR-10 the three nets end with different accuracy.",
        experiment=c.TASK_CIFAR,
        effect=differ("train_accuracy", "cifar-1", "cifar-2", "cifar-3", by=0.02),
        figure="accuracies",
        assumptions=("different: training accuracies spread over more than 2 points",),
    ),
    Claim(
        "D-task-cnn3-best",
        report="D",
        question="nets",
        where=D_WHERE,
        says="CNN-3 has the highest test accuracy.",
        experiment=d.TASK,
        effect=highest("test_accuracy", "CNN-3", among=("CNN-1", "CNN-2")),
        figure="accuracies",
    ),
    *(
        Claim(
            f"D-task-acc-{number}",
            report="D",
            where=D_WHERE,
            says=f"CNN-{number} ends with a test accuracy of {accuracy:.2%}.",
            experiment=d.TASK,
            full_only=True,
            effect=near("test_accuracy", accuracy, arm=f"CNN-{number}", within=0.005),
            figure="accuracies",
            assumptions=("within half a point",),
            stated=("reported",),
        )
        for number, accuracy in D_ACCURACIES.items()
    ),
    Claim(
        "E-task-deep-lower",
        report="E",
        question="nets",
        where=E_WHERE,
        says="The deep CNN ends with the lower training loss.",
        experiment=e.TASK,
        effect=lower_loss("CNN-1", than="CNN-0"),
        figure="losses",
    ),
    *(
        Claim(
            f"E-task-steady-{number}",
            report="E",
            where=E_WHERE,
            says=f"The {name} CNN reduces the training loss steadily.",
            experiment=e.TASK,
            effect=falls_over_epochs("train_loss", arm=f"CNN-{number}"),
            figure="losses",
            trivial="the loss would have to rise in most pairs of epochs, or training to diverge",
        )
        for number, name in ((0, "shallow"), (1, "deep"))
    ),
    Claim(
        "E-task-shallow-99",
        report="E",
        where=E_WHERE,
        says="The shallow CNN ends close to 99 % training accuracy.",
        experiment=e.TASK,
        effect=near("train_accuracy", 0.99, arm="CNN-0", within=0.005),
        figure="accuracies",
        assumptions=("close to: within half a point",),
        stated=("reported",),
    ),
    Claim(
        "E-task-deep-100",
        report="E",
        where=E_WHERE,
        says="The deep CNN ends near 100 % training accuracy.",
        experiment=e.TASK,
        effect=accuracy_above(0.995, "CNN-1"),
        figure="accuracies",
        assumptions=("near 100 %: above 99.5 %",),
    ),
    Claim(
        "E-task-deep-better",
        report="E",
        question="nets",
        where=E_WHERE,
        says="The deep CNN has the higher training accuracy.",
        experiment=e.TASK,
        effect=highest("train_accuracy", "CNN-1", among=("CNN-0",)),
        figure="accuracies",
    ),
]


@pytest.mark.parametrize("claim", CLAIMS, ids=attrgetter("id"))
def test_task(claim, court):
    court.judge(claim)
