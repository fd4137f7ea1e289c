"""PartyService."""

from gateway.api.call import Call
from gateway.api.convert import parties as convert
from gateway.api.convert.keys import check_request_id
from gateway.api.convert.pages import Pages
from gateway.api.convert.shape import Shape
from gateway.api.pb import party_pb2
from gateway.registry.parties import Parties


class PartyRpcs:
    """The list of parties."""

    def __init__(self, parties: Parties, pages: Pages) -> None:
        self._parties = parties
        self._pages = pages

    def get_self(self, call: Call, request: party_pb2.GetSelfRequest) -> party_pb2.Party:
        del request
        call.resource = call.party.name
        return convert.to_proto(call.party)

    def create_party(self, call: Call, request: party_pb2.CreatePartyRequest) -> party_pb2.Party:
        shape = Shape()
        check_request_id(shape, request.request_id)
        shape.present("party", request)
        party = shape.made(convert.from_proto(shape, request.party, "party"))
        return convert.to_proto(self._parties.create(call.party, party, call.key(request)))

    def set_party_disabled(
        self, call: Call, request: party_pb2.SetPartyDisabledRequest
    ) -> party_pb2.Party:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("name", request.name, "parties")
        shape.done()
        key = call.key(request)
        return convert.to_proto(self._parties.set_disabled(call.party, name, request.disabled, key))

    def list_parties(
        self, call: Call, request: party_pb2.ListPartiesRequest
    ) -> party_pb2.ListPartiesResponse:
        shape = Shape()
        page = self._pages.page(shape, call, request, usual=50, most=500)
        shape.done()
        messages, token = self._pages.fill(
            call,
            request,
            page,
            self._parties.all(page),
            lambda party: party.name,
            convert.to_proto,
        )
        return party_pb2.ListPartiesResponse(parties=messages, next_page_token=token)
