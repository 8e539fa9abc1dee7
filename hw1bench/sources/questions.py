"""The questions that the five reports share, and what the record says of each.

An answer is written by hand from the rulings that it names. Whoever changes one of these sees it flagged on every page, and
writes the sentence anew.
"""

from hw1bench.specs.questions import Contrast, Position, Question

QUESTIONS = (
    Question(
        "depth",
        text="Do deeper nets fit a function faster?",
        positions=(
            Position("A", "the net with one layer is there first", "A-fit-sinc-shallow-first"),
            Position("B", "shallower nets stop no later", "B-fit-sinc-order"),
            Position("C", "deeper is no faster", "C-fit-deeper-not-faster-sinc"),
            Position("D", "deeper converges better", "D-fit-deeper-better-sinc"),
            Position("E", "deeper converges faster", "E-fit-f1-deep-faster-0"),
        ),
        answer="It depends on the setting: E's deepest net is sooner in [13 of 16](E-fit-f1-deep-faster-0) seeds and "
        "fits nothing in the other three, and its shallow one ends far lower, in [8 of 8](E-fit-f1-shallow-comparable); "
        "D's four layers end lower than two, in [8 of 8](D-fit-deeper-better-4-2-sinc); C's net with twice as many "
        "layers as another, some of a single unit, is no faster, in [14 of 16](C-fit-deeper-not-faster-sinc).",
        rests_on={
            "E-fit-f1-deep-faster-0": "supported 13/16",
            "E-fit-f1-shallow-comparable": "supported 8/8",
            "D-fit-deeper-better-4-2-sinc": "supported 8/8",
            "C-fit-deeper-not-faster-sinc": "supported 14/16",
        },
        contrasts=(
            Contrast(
                "E-fit-f1-deep-faster-0",
                "C-fit-deeper-not-faster-sinc",
                "Both are right. E compares ReLU nets of six layers and of one, C tanh nets of which one is twice as "
                "deep as the other, both are deep, and the deeper has layers of a single unit: two settings, and no "
                "contradiction.",
            ),
            Contrast(
                "D-fit-deeper-better-4-2-sinc",
                "E-fit-f1-shallow-comparable",
                "Both are right. D's nets have nearly equal numbers of parameters and train by RMSprop, and four "
                "layers end lower than two; E's train by Adam, and the shallow one ends far lower than the deeper "
                "ones.",
            ),
        ),
    ),
    Question(
        "nets",
        text="Is the larger convolutional net the better one?",
        positions=(
            Position("A", "no, the smallest is best", "A-task-cnn1-best"),
            Position("B", "yes, the largest, then the next", "B-task-order"),
            Position("C", "deeper ones learn faster", "C-task-mnist-deeper-loss-faster"),
            Position("D", "CNN-3 is best", "D-task-cnn3-best"),
            Position("E", "the deep one ends lower", "E-task-deep-lower"),
        ),
        answer="A's smallest net is best in [none of 8](A-task-cnn1-best) seeds. It is open whether D's and E's "
        "larger ones are, at [6 of 8](D-task-cnn3-best) and [10 of 16](E-task-deep-lower): a single run that says so "
        "proves nothing.",
        rests_on={
            "A-task-cnn1-best": "refuted 0/8",
            "D-task-cnn3-best": "inconclusive 6/8",
            "E-task-deep-lower": "inconclusive 10/16",
        },
        contrasts=(
            Contrast(
                "A-task-cnn1-best",
                "E-task-deep-lower",
                "A is wrong about its own nets: the smallest is never best in both loss and accuracy. Which of E's "
                "two nets ends lower on MNIST differs from seed to seed.",
            ),
        ),
    ),
    Question(
        "paths",
        text="Do independent runs end in the same place?",
        positions=(
            Position("A", "(ours: their paths differ)", "A-path-separate"),
            Position("B", "(ours: their paths differ)", "B-path-separate"),
            Position("D", "(ours: their paths differ)", "D-path-separate"),
            Position("E", "first layers end in similar areas", "E-path-layer1-converge"),
        ),
        answer="No: the first layers of two of E's runs end farther apart than they began, and only for their length "
        "[0.5 %](E-path-layer1-converge) closer, in [8 of 8](E-path-layer1-converge) seeds; and a point on the way is "
        "farther from the other run's path than from the rest of its own by [a factor of 28](E-path-separate).",
        rests_on={"E-path-layer1-converge": "supported 8/8", "E-path-separate": "supported 8/8"},
        contrasts=(
            Contrast(
                "E-path-layer1-converge",
                "E-path-separate",
                "Both are right, by two measures: the ends of two runs come a little closer to each other for their "
                "length, and the paths to them stay far apart.",
            ),
        ),
    ),
    Question(
        "gradient",
        text="Does the gradient norm settle?",
        positions=(
            Position("A", "it converges", "A-grad-settles"),
            Position("B", "it calms at a minimum", "B-grad-calms"),
            Position("C", "it moves most late", "C-grad-slow-then-moves"),
            Position("D", "it falls fast, then slowly", "D-grad-fast-then-slow"),
            Position("E", "it is high early", "E-grad-high-early"),
            Position("E", "it falls late", "E-grad-late-falls"),
        ),
        answer="In A's and B's fits of functions yes, in [8 of 8](A-grad-settles) and [8 of 8](B-grad-calms) seeds, "
        "where the first gradients are the largest; in D's it falls fast, then slowly, in [none of "
        "8](D-grad-fast-then-slow). On MNIST E's falls late, in [8 of 8](E-grad-late-falls), but is high early in "
        "[none of 8](E-grad-high-early); C's moves most late in [none of 8](C-grad-slow-then-moves).",
        rests_on={
            "A-grad-settles": "supported 8/8",
            "B-grad-calms": "supported 8/8",
            "D-grad-fast-then-slow": "refuted 0/8",
            "E-grad-late-falls": "supported 8/8",
            "E-grad-high-early": "refuted 0/8",
            "C-grad-slow-then-moves": "refuted 0/8",
        },
        contrasts=(
            Contrast(
                "B-grad-calms",
                "C-grad-slow-then-moves",
                "B is right of its fit. C is wrong of its net, if late is the third after the middle of training: the "
                "norm moves more in the first third. If late is all that follows the first third, C is right.",
            ),
        ),
    ),
    Question(
        "minimal-ratio",
        text="Has a lower loss fewer ways down?",
        positions=(
            Position("A", "(plot; ours: yes)", "A-minratio-falls-with-loss"),
            Position("B", "(plot; ours: yes)", "B-minratio-falls-with-loss"),
            Position("C", "(plot; ours: yes)", "C-minratio-falls-with-loss"),
            Position("D", "(plot; ours: yes)", "D-minratio-falls-with-loss"),
        ),
        answer="True of B's nets, though just, and of D's, in [8 of 8](B-minratio-falls-with-loss) and [8 of "
        "8](D-minratio-falls-with-loss) seeds, and not of C's, in [none of 8](C-minratio-falls-with-loss); A's are "
        "[inconclusive](A-minratio-falls-with-loss).",
        rests_on={
            "B-minratio-falls-with-loss": "supported 8/8",
            "D-minratio-falls-with-loss": "supported 8/8",
            "C-minratio-falls-with-loss": "refuted 0/8",
            "A-minratio-falls-with-loss": "inconclusive 2/8",
        },
        contrasts=(
            Contrast(
                "B-minratio-falls-with-loss",
                "C-minratio-falls-with-loss",
                "The sentence is ours. It holds of B's net with leaky ReLU and not of C's with tanh; why is open.",
            ),
        ),
    ),
    Question(
        "random-labels",
        text="Are random labels memorised?",
        positions=(
            Position("A", "they are not learnt", "A-random-cannot-learn"),
            Position("B", "they can be learnt", "B-random-learns"),
            Position("E", "they are memorised", "E-random-memorised"),
        ),
        answer="Not in these epochs, but learnt: E's net ends at [10.8 %](E-random-memorised), hardly more than the tenth of "
        "guessing, after [10 epochs](E-random-memorised), A's at [22.9 %](A-random-cannot-learn) after "
        "the [30](A-random-cannot-learn) that we assume, and B's at [64 %](B-random-memorised) after "
        "[1,000](B-random-memorised). They differ in size and optimiser too.",
        rests_on={
            "E-random-memorised": "refuted 0/8",
            "A-random-cannot-learn": "refuted 0/8",
            "B-random-learns": "supported 8/8",
            "B-random-memorised": "refuted 0/8",
        },
        contrasts=(
            Contrast(
                "A-random-cannot-learn",
                "E-random-memorised",
                "Both are wrong: within the epochs that we assume A's net has begun to learn the labels, and E's "
                "accuracy is still close to guessing.",
            ),
            Contrast(
                "A-random-cannot-learn",
                "B-random-learns",
                "Report B is right, after many more epochs than A's. By the end of those that we assume A's net has "
                "begun to learn them too; report A does not say how many it had.",
            ),
            Contrast(
                "E-random-acc-chance",
                "E-random-memorised",
                "Report E contradicts itself: its table, in which accuracy stays at chance, is right, and so its "
                "conclusion is wrong.",
            ),
        ),
    ),
    Question(
        "size",
        text="Do larger nets overfit?",
        positions=(
            Position("A", "the largest does", "A-size-overfits"),
            Position("B", "test loss falls with size", "B-size-loss-falls"),
            Position("C", "test accuracy saturates", "C-size-accuracy-saturates"),
            Position("D", "test accuracy rises, then saturates", "D-size-saturates"),
            Position("E", "test loss falls, then rises", "E-size-test-u"),
        ),
        answer="A's do not: its largest, of [15,910 parameters](A-size-overfits), overfits in [none of "
        "8](A-size-overfits) seeds. The test loss of E's, which are up to a thousand times as large, falls and then "
        "rises in [7 of 8](E-size-test-u), one seed short of a verdict; whether their training loss falls is "
        "[inconclusive](E-size-train-loss-falls) too.",
        rests_on={
            "A-size-overfits": "refuted 0/8",
            "E-size-test-u": "inconclusive 7/8",
            "E-size-train-loss-falls": "inconclusive 1/8",
        },
        contrasts=(
            Contrast(
                "A-size-test-loss-not",
                "D-size-saturates",
                "A is wrong: its test loss falls with size. D's test accuracy gains more from its first sizes than "
                "from its last.",
            ),
        ),
    ),
    Question(
        "middle",
        text="Is the middle between two nets better?",
        positions=(
            Position("A", "in training accuracy", "A-interp-train-middle-w256"),
            Position("B", "(plot; ours: a barrier)", "B-batch-interp-barrier"),
            Position("C", "it only gets worse on the way", "C-interp-worse-towards-large-batch"),
            Position("E", "accuracy peaks in the middle", "E-interp-train-peak-half"),
        ),
        answer="Not between nets that start apart: training accuracy is best there in [none of "
        "8](A-interp-train-middle-w256) of A's seeds and [none of 8](E-interp-train-peak-half) of E's. Between B's nets "
        "on CIFAR-10 the test error rises more than two points above the mean of the ends, a barrier, in [8 of "
        "8](B-batch-interp-barrier).",
        rests_on={
            "A-interp-train-middle-w256": "refuted 0/8",
            "E-interp-train-peak-half": "refuted 0/8",
            "B-batch-interp-barrier": "supported 8/8",
        },
        contrasts=(
            Contrast(
                "A-interp-pure-best-w256",
                "E-interp-test-peak-half",
                "Of A's nets test accuracy is higher at an end than in mixtures; of E's it does not peak in the "
                "middle.",
            ),
            Contrast(
                "A-interp-pure-best-w256",
                "A-interp-train-middle-w256",
                "Report A says that test accuracy is best at an end and training accuracy in the middle: the first "
                "is right, the second is wrong.",
            ),
        ),
    ),
    Question(
        "batch-size",
        text="Does sensitivity fall with batch size?",
        positions=(
            Position("B", "it falls (input Jacobian)", "B-batch-sensitivity-falls-jacobian"),
            Position("B", "it falls (its own measure)", "B-batch-sensitivity-falls-reported"),
            Position("C", "(plot; ours: it falls)", "C-batch-sensitivity-falls-jacobian"),
        ),
        answer="Yes for B's nets on CIFAR-10, in [8 of 8](B-batch-sensitivity-falls-jacobian) seeds; but training "
        "loss rises with batch size too, in [8 of 8](B-batch-train-loss-rises), because larger batches take fewer steps "
        "in the same [25 epochs](B-batch-train-loss-rises). B's own measure falls as well, in [8 of "
        "8](B-batch-sensitivity-falls-reported): it is a mini-batch's gradient, with less noise in larger batches.",
        rests_on={
            "B-batch-sensitivity-falls-jacobian": "supported 8/8",
            "B-batch-sensitivity-falls-reported": "supported 8/8",
            "B-batch-train-loss-rises": "supported 8/8",
        },
    ),
    Question(
        "learning-rate",
        text="What does the learning rate do?",
        positions=(
            Position("A", "1e-2 is best of five", "A-lr-best-1e-2"),
            Position("B", "sensitivity falls as it rises", "B-lr-sensitivity-falls-jacobian"),
        ),
        answer="In the [10 epochs](A-lr-best-1e-2) that we assume A's rate is best in [none of 8](A-lr-best-1e-2) "
        "seeds: in all of them a smaller one is ahead, by [1.8 points](A-lr-smaller-not-better) of test accuracy in the "
        "median. Of B's sweep there is [no evidence](B-lr-sensitivity-falls-jacobian), because at three of its five "
        "rates the nets learn too little to be compared.",
        rests_on={
            "A-lr-best-1e-2": "refuted 0/8",
            "A-lr-smaller-not-better": "refuted 0/8",
            "B-lr-sensitivity-falls-jacobian": "no evidence",
        },
    ),
)
