"""Stripe's documented test cards (https://docs.stripe.com/testing)."""

from libs.devstack.stripe_twin.objects.instruments import TestCard


def _declined(number: str, decline_code: str, message: str = "Your card was declined.") -> TestCard:
    return TestCard(number, code="card_declined", decline_code=decline_code, message=message)


_INSUFFICIENT = "Your card has insufficient funds."
TEST_CARDS = {
    card.number: card
    for card in (
        TestCard("4242424242424242"),
        TestCard("4000056655665556"),
        TestCard("5555555555554444", brand="mastercard"),
        TestCard("378282246310005", brand="amex"),
        TestCard("4000000000000077", instant=True),
        TestCard("4000002500003155", challenge=True),
        TestCard("4000002760003184", challenge=True),
        TestCard("4000000000003220", challenge=True),
        _declined("4000000000000002", "generic_decline"),
        _declined("4000000000009995", "insufficient_funds", _INSUFFICIENT),
        _declined("4000000000009987", "lost_card"),
        _declined("4000000000009979", "stolen_card"),
        TestCard("4000000000000069", code="expired_card", message="Your card has expired."),
        TestCard("4000000000000127", code="incorrect_cvc", message="Your card's security code is incorrect."),
        TestCard("4000000000000259", contested="fraudulent"),
        TestCard("4000000000002685", contested="product_not_received"),
        TestCard("4000000000001976", contested="fraudulent", inquiry=True),
        TestCard("4000000000005423", warned=True),
        TestCard("4000000000007726", refunds="pending"),
        TestCard("4000000000005126", refunds="fails"),
        TestCard(
            "4000000000000119",
            code="processing_error",
            message="An error occurred while processing your card. Try again in a little bit.",
        ),
    )
}

TOKENS = {
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "amex": "378282246310005",
    "bypassPending": "4000000000000077",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequired": "4000002760003184",
    "threeDSecure2Required": "4000000000003220",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclined": "4000000000000002",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedLostCard": "4000000000009987",
    "visa_chargeDeclinedLostCard": "4000000000009987",
    "chargeDeclinedStolenCard": "4000000000009979",
    "visa_chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "createDispute": "4000000000000259",
    "createDisputeProductNotReceived": "4000000000002685",
    "createDisputeInquiry": "4000000000001976",
    "createIssuerFraudRecord": "4000000000005423",
    "pendingRefund": "4000000000007726",
    "refundFail": "4000000000005126",
}
"""What follows `pm_card_` in Stripe's ready-made test payment methods."""
